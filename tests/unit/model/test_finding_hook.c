/* SPDX-License-Identifier: MIT */
/* --exec: once for each new pair of lines and each crash, one after the other. */
#include "tests/unit/model/model_events.h"

#include <time.h>
#include <unistd.h>

#include "tui/app/finding_hook.h"

#define TEXT_MAX    65536
#define PATIENCE_MS 10000

struct trial {
	struct model *model;
	struct finding_hook *hook;
	char folder[64], command[256];
	char text[TEXT_MAX];
};

static const char *log_read(struct trial *trial)
{
	char path[96];
	FILE *file;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/log", trial->folder);
	file = fopen(path, "r");
	if (file) {
		n = fread(trial->text, 1, TEXT_MAX - 1, file);
		fclose(file);
	}
	trial->text[n] = '\0';
	return trial->text;
}

static int count_in(const char *text, const char *word)
{
	int count = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		count++;
	return count;
}

/* Look until the command has said so many times that it is done. */
static int wait_for(struct trial *trial, int wanted)
{
	for (int ms = 0; count_in(log_read(trial), "done\n") < wanted && ms < PATIENCE_MS;
	     ms += 5) {
		finding_hook_look(trial->hook, trial->model);
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	return count_in(log_read(trial), "done\n");
}

static void begin(struct trial *trial, const char *words)
{
	const struct finding_hook_config config = {.command = trial->command, .quiet = true};

	trial->model = model_new();
	snprintf(trial->folder, sizeof(trial->folder), "/tmp/finding_hook-XXXXXX");
	assert_non_null(mkdtemp(trial->folder));
	snprintf(trial->command, sizeof(trial->command), "cd %s; %s; echo done >> log",
	         trial->folder, words);
	assert_int_equal(finding_hook_create(&config, &trial->hook), 0);
}

static void end(struct trial *trial)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/log", trial->folder);
	unlink(path);
	rmdir(trial->folder);
	finding_hook_destroy(trial->hook);
	model_destroy(trial->model);
}

/* A pair of lines that is new with each number. */
static void pair_send(struct model *model, uint64_t number)
{
	unordered_send(model, 0, access_at(0xa0, OP_READ, 7, 0x1001, 3),
	               access_at(0xa0, OP_WRITE, 8, 0x2000 + number, 3));
}

static void each_pair_and_crash_once(void **state)
{
	static struct trial trial;

	(void)state;
	begin(&trial, "env | grep ^GOMAPTOP_ >> log");
	finding_hook_look(trial.hook, trial.model);
	pair_send(trial.model, 2);
	assert_int_equal(wait_for(&trial, 1), 1);
	assert_non_null(strstr(trial.text, "GOMAPTOP_FINDING=unordered\n"));
	assert_non_null(strstr(trial.text, "GOMAPTOP_PID=77\n"));
	assert_non_null(strstr(trial.text, "GOMAPTOP_KIND=read-write\n"));
	assert_non_null(strstr(trial.text, "GOMAPTOP_LINE_A=/src/main.go:1\n"));
	assert_non_null(strstr(trial.text, "GOMAPTOP_FUNCTION_B=main.writer\n"));
	assert_non_null(strstr(trial.text, "GOMAPTOP_GOROUTINE_B=8\n"));
	pair_send(trial.model, 2); /* seen before */
	pair_send(trial.model, 3);
	crash_send(trial.model, "concurrent map writes\n$(touch /tmp/x)", 0);
	assert_int_equal(wait_for(&trial, 3), 3);
	assert_int_equal(wait_for(&trial, 3), 3);
	assert_int_equal(count_in(trial.text, "FINDING=unordered\n"), 2);
	assert_int_equal(count_in(trial.text, "FINDING=crash\n"), 1);
	assert_non_null(strstr(trial.text, "MESSAGE=concurrent map writes?$(touch /tmp/x)\n"));
	assert_int_equal(finding_hook_left_out(trial.hook), 0);
	end(&trial);
}

/* A command that takes its time holds up nothing, and there is only ever one of it. */
static void one_at_a_time_and_no_more_than_fit(void **state)
{
	static struct trial trial;
	struct timespec before, after;
	unsigned int left_out;

	(void)state;
	begin(&trial, "mkdir only || echo two >> log; sleep 0.3; rmdir only");
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (uint64_t i = 0; i < FINDING_HOOK_QUEUE + 40; i++)
		pair_send(trial.model, i);
	finding_hook_look(trial.hook, trial.model);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(after.tv_sec - before.tv_sec, 0, 1);
	left_out = finding_hook_left_out(trial.hook);
	assert_int_equal(left_out, FINDING_HOOK_QUEUE + 40 - 1);
	assert_in_range(wait_for(&trial, 2), 2, 3);
	assert_null(strstr(trial.text, "two"));
	nanosleep(&(struct timespec){.tv_nsec = 600000000}, NULL); /* the one that runs ends */
	end(&trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_pair_and_crash_once),
	        cmocka_unit_test(one_at_a_time_and_no_more_than_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
