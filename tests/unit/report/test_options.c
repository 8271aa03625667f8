/* SPDX-License-Identifier: MIT */
/* The command line: what is accepted, what is refused, and that a refusal says what to do. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tui/options/options.h"

#define ARGS_MAX 32

/* ---- times -------------------------------------------------------------------------------------
 */

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
	        {"10s", 10000000000},  {"500ms", 500000000},
	        {"5m", 300000000000},  {"20us", 20000},
	        {"7", 7000000000},     {"1.5s", 1500000000},
	        {"0.25", 250000000},   {"90ns", 90},
	        {"2h", 7200000000000}, {"0", 0},
	};
	uint64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ns = UINT64_MAX;
		assert_int_equal(time_parse(cases[i].text, &ns, NULL), 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void nonsense_is_no_time(void **state)
{
	static const char *const cases[] = {
	        "",    "s",   "-1s",  "+1s", " 1s", "1 s",      "1x",  "1sec", "0x10",
	        "inf", "nan", "1e99", "1s2", ".5s", "1001000h", "10S", "1,5s", "..",
	};
	struct error err;
	uint64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err.text[0] = '\0';
		if (time_parse(cases[i], &ns, &err) == 0)
			fail_msg("'%s' was taken for a time", cases[i]);
		assert_non_null(strstr(err.text, ": ")); /* ... and what to write instead */
	}
}

static void ranges_are_read(void **state)
{
	uint64_t min, max;

	(void)state;
	assert_int_equal(time_range_parse("20us..1ms", &min, &max, NULL), 0);
	assert_int_equal(min, 20000);
	assert_int_equal(max, 1000000);
	assert_int_equal(time_range_parse("300us", &min, &max, NULL), 0);
	assert_int_equal(min, 300000);
	assert_int_equal(max, 300000);
	assert_true(time_range_parse("1ms..20us", &min, &max, NULL) < 0);
	assert_true(time_range_parse("1ms..", &min, &max, NULL) < 0);
	assert_true(time_range_parse("..1ms", &min, &max, NULL) < 0);
	assert_true(time_range_parse("1ms...2ms", &min, &max, NULL) < 0);
	assert_true(time_range_parse("00000000000000000000000000000000000001us..1ms", &min, &max,
	                             NULL) < 0);
}

/* ---- addresses ---------------------------------------------------------------------- */

static void addresses_are_read(void **state)
{
	static const struct {
		const char *text, *address;
		int family, port;
	} cases[] = {
	        {"9464", "127.0.0.1", AF_INET, 9464},
	        {"0", "127.0.0.1", AF_INET, 0},
	        {"127.0.0.1:9464", "127.0.0.1", AF_INET, 9464},
	        {"0.0.0.0:65535", "0.0.0.0", AF_INET, 65535},
	        {"10.1.2.3:1", "10.1.2.3", AF_INET, 1},
	        {"[::1]:9464", "::1", AF_INET6, 9464},
	        {"[::]:0", "::", AF_INET6, 0},
	        {"[2001:db8::7]:80", "2001:db8::7", AF_INET6, 80},
	        {"[::ffff:255.255.255.255]:80", "::ffff:255.255.255.255", AF_INET6, 80},
	};
	struct listen_address read;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sockaddr_in *four = (const void *)&read.at;
		const struct sockaddr_in6 *six = (const void *)&read.at;
		char address[INET6_ADDRSTRLEN] = "";
		bool is_six;

		assert_int_equal(listen_parse(cases[i].text, &read, NULL), 0);
		is_six = read.at.ss_family == AF_INET6;
		inet_ntop(read.at.ss_family,
		          is_six ? (const void *)&six->sin6_addr : &four->sin_addr, address,
		          sizeof(address));
		assert_int_equal(read.at.ss_family, cases[i].family);
		assert_int_equal(read.size, is_six ? sizeof(*six) : sizeof(*four));
		assert_int_equal(ntohs(is_six ? six->sin6_port : four->sin_port), cases[i].port);
		assert_string_equal(address, cases[i].address);
		assert_int_equal(read.any_port, cases[i].port == 0);
	}
}

static void nonsense_is_no_address(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	        {"", "port"},
	        {"port", "port"},
	        {"-1", "port"},
	        {"+9464", "port"},
	        {" 9464", "port"},
	        {"9464 ", "port"},
	        {"65536", "port"},
	        {"99999999999999999999", "port"},
	        {"127.0.0.1", "port"},
	        {"127.0.0.1:", "port"},
	        {"127.0.0.1:http", "port"},
	        {"[::1]", "port"},
	        {":9464", "0.0.0.0:9464"},
	        {":::9464", "in brackets"},
	        {"::1:9464", "in brackets"},
	        {"localhost:9464", "no names"},
	        {"*:9464", "no names"},
	        {"127.1:9464", "numbers"},
	        {"127.0.0.256:9464", "numbers"},
	        {"[]:9464", "numbers"},
	        {"[:9464", "numbers"},
	        {"]:9464", "numbers"},
	        {"[127.0.0.1]:9464", "numbers"},
	        {"[fe80::1%eth0]:9464", "numbers"},
	        {"[::1]:9464:9464", "numbers"},
	        {"http://127.0.0.1:9464", "numbers"},
	        {"0000000000000000000000000000000000000000000000000000001.2.3.4:9464", "numbers"},
	};
	struct listen_address read;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err.text[0] = '\0';
		if (listen_parse(cases[i].text, &read, &err) == 0)
			fail_msg("'%s' was taken for an address", cases[i].text);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s': %s", cases[i].text, err.text);
	}
}

/* ---- whole command lines -----------------------------------------------------------------------
 */

/* What options_parse() said on standard error or standard output. */
static char said[8192];

static enum options_answer parse(const char *line, bool terminal, struct options *options)
{
	static char words[1024];
	char *argv[ARGS_MAX + 1] = {"./gomaptop"};
	int argc = 1, saved[2], captured;
	enum options_answer answer;
	FILE *file = tmpfile();
	char *rest = words;
	size_t length;

	assert_non_null(file);
	snprintf(words, sizeof(words), "%s", line);
	while (argc < ARGS_MAX && (argv[argc] = strsep(&rest, " ")) && *argv[argc])
		argc++;
	argv[argc] = NULL;
	captured = fileno(file);
	fflush(NULL);
	saved[0] = dup(STDOUT_FILENO);
	saved[1] = dup(STDERR_FILENO);
	dup2(captured, STDOUT_FILENO);
	dup2(captured, STDERR_FILENO);
	answer = options_parse(argc, argv, terminal, options);
	fflush(NULL);
	dup2(saved[0], STDOUT_FILENO);
	dup2(saved[1], STDERR_FILENO);
	close(saved[0]);
	close(saved[1]);
	rewind(file);
	length = fread(said, 1, sizeof(said) - 1, file);
	said[length] = '\0';
	fclose(file);
	return answer;
}

static void defaults_are_those_of_the_contract(void **state)
{
	struct options options;

	(void)state;
	unsetenv("NO_COLOR");
	assert_int_equal(parse("-p 1", true, &options), OPTIONS_RUN);
	assert_false(options.batch);
	assert_int_equal(options.duration_ns, 0);
	assert_int_equal(options.interval_ns, 1000000000);
	assert_int_equal(options.format, SNAPSHOT_TEXT);
	assert_int_equal(options.output_format, SNAPSHOT_JSON);
	assert_int_equal(options.stall_min_ns, 20000);
	assert_int_equal(options.stall_max_ns, 1000000);
	assert_int_equal(options.stack_depth, 64);
	assert_true(options.overhead_limit == 0.03);
	assert_int_equal(options.color, UI_COLOR_AUTO);
	assert_false(options.until_conflict || options.until_finding || options.verbose);
	assert_null(options.output);
	assert_int_equal(options.listen.at.ss_family, AF_UNSPEC);
	assert_string_equal(said, "");
	options_free(&options);
}

static void every_option_arrives(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse("-p 7,8 --pid=8,9 -b -d 5m -i 500ms -o f.json --format=json "
	                       "--until-conflict --until-finding --until-sure --inconclusive-ok "
	                       "--stall=30us..900us --stack-depth=127 "
	                       "--color=always --show-keys --listen=[::1]:9464 -v",
	                       true, &options),
	                 OPTIONS_RUN);
	assert_int_equal(options.pid_count, 3); /* each once */
	assert_int_equal(options.pids[0], 7);
	assert_int_equal(options.pids[2], 9);
	assert_true(options.batch && options.until_conflict && options.until_finding &&
	            options.verbose && options.show_keys && options.until_sure &&
	            options.inconclusive_ok);
	assert_int_equal(options.duration_ns, 300000000000);
	assert_int_equal(options.interval_ns, 500000000);
	assert_string_equal(options.output, "f.json");
	assert_int_equal(options.format, SNAPSHOT_JSON);
	assert_int_equal(options.stall_min_ns, 30000);
	assert_int_equal(options.stall_max_ns, 900000);
	assert_int_equal(options.stack_depth, 127);
	assert_int_equal(options.listen.at.ss_family, AF_INET6);
	assert_int_equal(options.color, UI_COLOR_ALWAYS);
	options_free(&options);
}

static void batch_is_on_without_a_terminal(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse("-p 1", false, &options), OPTIONS_RUN);
	assert_true(options.batch);
	options_free(&options);
	assert_int_equal(parse("", true, &options), OPTIONS_RUN);
	assert_true(options_name_no_target(&options)); /* the list */
	options_free(&options);
}

static void everything_behind_two_dashes_is_the_command(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse("-b -- ./server -p 80 -- --help", true, &options), OPTIONS_RUN);
	assert_int_equal(options.pid_count, 0);
	assert_string_equal(options.command[0], "./server");
	assert_string_equal(options.command[4], "--help");
	assert_null(options.command[5]);
	options_free(&options);
}

static void no_color_counts_until_color_is_given(void **state)
{
	struct options options;

	(void)state;
	setenv("NO_COLOR", "1", 1);
	parse("-p 1", true, &options);
	assert_int_equal(options.color, UI_COLOR_NEVER);
	options_free(&options);
	parse("-p 1 --color=always", true, &options);
	assert_int_equal(options.color, UI_COLOR_ALWAYS);
	options_free(&options);
	setenv("NO_COLOR", "", 1); /* empty: as if it were not there */
	parse("-p 1", true, &options);
	assert_int_equal(options.color, UI_COLOR_AUTO);
	options_free(&options);
	unsetenv("NO_COLOR");
}

static void help_and_version_are_data(void **state)
{
	static const char *const names[] = {
	        "--pid",           "--executable",  "--batch",          "--duration",
	        "--interval",      "--output",      "--format",         "--until-conflict",
	        "--stall",         "--stack-depth", "--color",          "--verbose",
	        "--version",       "--help",        "--show-keys",      "--listen",
	        "--until-finding", "--until-sure",  "--inconclusive-ok"};
	struct options options;
	size_t i;

	(void)state;
	assert_int_equal(parse("--help", true, &options), OPTIONS_DONE);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(strstr(said, names[i]));
	assert_non_null(strstr(said, "(default: 20us..1ms)"));
	/* What a later version may bring is not promised today. */
	assert_null(strstr(said, "replay"));
	options_free(&options);
	assert_int_equal(parse("-V", true, &options), OPTIONS_DONE);
	assert_string_equal(said, "gomaptop " GOMAPTOP_VERSION "\n");
	options_free(&options);
}

/* Every refusal: status 2, one message that begins with the program's name and names the thing. */
static void wrong_command_lines_are_refused(void **state)
{
	static const struct {
		const char *line, *names;
		bool terminal;
	} cases[] = {
	        {"-p", "'p'", true},
	        {"-p ./x", "-e ./x watches", true},
	        {"-p 7,+x", "'+x'", true},
	        {"-p 0", "'0'", true},
	        {"-p -1", "'-1'", true},
	        {"-p 1,,2", "''", true},
	        {"-p 99999999999999999999", "'99999999999999999999'", true},
	        {"--nope", "--nope", true},
	        {"-x", "'x'", true},
	        {"./server", "-- ./server starts it", true},
	        {"server -e x", "-p, -e", true},
	        {"-p 1 --untl-conflict", "did you mean --until-conflict?", true},
	        {"--max-overheda=3", "did you mean --max-overhead?", true},
	        {"-p 1 --inconclusive-ok", "add -b", true},
	        {"-p 1 --inconclusive-ok -o f", "add -b", true},
	        {"-p 1 -e x", "-p, -e", true},
	        {"-e x -- ./y", "-p, -e", true},
	        {"--", "--", true},
	        {"-b", "no target", true},
	        {"", "no target", false},
	        {"-p 1 -d 0", "--duration", true},
	        {"-p 1 -d ten", "'ten'", true},
	        {"-p 1 -i 1us", "--interval", true},
	        {"-p 1 --stall 1us..1s", "--stall", true},
	        {"-p 1 --stall 10ns..1ms", "--stall", true},
	        {"-p 1 --stall 20us..1001us", "1ms", true},
	        {"-p 1 --stall 10ms", "1us..1ms", true},
	        {"-p 1 --stack-depth 0", "'0'", true},
	        {"-p 1 --stack-depth 128", "'128'", true},
	        {"-p 1 --color=red", "'red'", true},
	        {"-p 1 --listen", "listen", true},
	        {"-p 1 --listen :9464", "--listen: ':9464'", true},
	        {"-p 1 --listen unix:", "a path of 1 to 107 bytes", true},
	        {"-p 1 --listen unix:/x,mode=8", "(octal)", true},
	        {"-p 1 --listen unix:/x,mode=01777", "(octal)", true},
	        {"-p 1 --listen unix:/x,mode=", "(octal)", true},
	        {"-p 1 --listen localhost:9464", "--listen: 'localhost:9464'", true},
	        {"-p 1 -b --format xml", "'xml'", true},
	        {"-p 1 --format json", "--format", true}, /* a screen prints no report */
	        {"check", "check", true},
	        {"check -p 1,2", "check", true},
	        {"check -p 1 -e x", "-p, -e", true},
	        {"check -- ./x", "check", true},
	        {"check check -p 1", "one process", true},
	        {"check server -p 1", "one process", true},
	};
	struct options options;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (parse(cases[i].line, cases[i].terminal, &options) != OPTIONS_WRONG)
			fail_msg("`gomaptop %s` was accepted", cases[i].line);
		if (strncmp(said, "gomaptop: ", 10) != 0 || !strstr(said, cases[i].names))
			fail_msg("`gomaptop %s` said: %s", cases[i].line, said);
		options_free(&options);
	}
}

/* With or without -p, in any order; what they mean is found out later. */
static void processes_have_names_too(void **state)
{
	static const char *const lines[] = {"-p ledgerd,7 8", "7 -p 8 ledgerd", "ledgerd,8,7 -v"};
	struct options options;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i], true, &options), OPTIONS_RUN);
		assert_int_equal(options.pid_count, 2);
		assert_int_equal(options.pids[0] + options.pids[1], 15);
		assert_int_equal(options.name_count, 1);
		assert_string_equal(options.names[0], "ledgerd");
		assert_false(options_name_no_target(&options));
		options_free(&options);
	}
	assert_int_equal(parse("check ledgerd", true, &options), OPTIONS_RUN);
	assert_int_equal(options.command_word, COMMAND_CHECK);
	options_free(&options);
	assert_string_equal(options_word_like("chekc"), "check");
	assert_string_equal(options_word_like("ceck"), "check");
	assert_null(options_word_like("nginx"));
	assert_null(options_word_like("c"));
	assert_null(options_word_like("a name that is longer than any word of ours"));
}

static void a_format_has_meaning_with_a_file_or_batch(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse("-p 1 --format text -o f", true, &options), OPTIONS_RUN);
	assert_int_equal(options.output_format, SNAPSHOT_TEXT);
	options_free(&options);
	assert_int_equal(parse("-p 1 --format json", false, &options), OPTIONS_RUN);
	assert_int_equal(options.format, SNAPSHOT_JSON);
	options_free(&options);
}

static void check_is_a_command_word(void **state)
{
	static const char *const lines[] = {
	        "check -p 7",
	        "-p 7 check",
	        "-v check -p 7",
	        "check -p 7 --color=never",
	};
	struct options options;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i], i % 2, &options), OPTIONS_RUN);
		assert_int_equal(options.command_word, COMMAND_CHECK);
		assert_int_equal(options.pids[0], 7);
		options_free(&options);
	}
	assert_int_equal(parse("check -e x --format=json", true, &options), OPTIONS_RUN);
	assert_int_equal(options.format, SNAPSHOT_JSON);
	assert_string_equal(options.executable, "x");
	options_free(&options);
	assert_int_equal(parse("-p 7 -b", true, &options), OPTIONS_RUN);
	assert_int_equal(options.command_word, COMMAND_WATCH);
	options_free(&options);
	assert_int_equal(parse("-- check -p 7", true, &options), OPTIONS_RUN);
	assert_int_equal(options.command_word, COMMAND_WATCH);
	options_free(&options);
}

/* Whoever adds an option has to say whether it means anything to check. */
static void check_takes_what_has_a_meaning(void **state)
{
	static const char known[] = " pid executable format color verbose version help usage ";
	char line[256], name[64], argument[64], word[80];
	struct options options;
	FILE *file = tmpfile();
	int refused = 0;
	char letter;

	(void)state;
	assert_non_null(file);
	assert_int_equal(options_write_completion(file), 0);
	rewind(file);
	while (fscanf(file, "%63s %c %63s", name, &letter, argument) == 3) {
		snprintf(word, sizeof(word), " %s ", name);
		if (strstr(known, word))
			continue;
		snprintf(line, sizeof(line), "check -p 7 --%s%s", name,
		         !strcmp(argument, "-")           ? ""
		         : !strcmp(argument, "MIN..MAX")  ? "=20us..1ms"
		         : !strcmp(argument, "ADDR:PORT") ? "=127.0.0.1:9000"
		         : !strcmp(argument, "FROM=TO")   ? "=/src=/tmp"
		                                          : "=7");
		if (parse(line, true, &options) != OPTIONS_WRONG || !strstr(said, "with check"))
			fail_msg("`gomaptop %s` said: %s", line, said);
		options_free(&options);
		refused++;
	}
	fclose(file);
	assert_true(refused >= 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(times_are_read),
	        cmocka_unit_test(nonsense_is_no_time),
	        cmocka_unit_test(ranges_are_read),
	        cmocka_unit_test(addresses_are_read),
	        cmocka_unit_test(nonsense_is_no_address),
	        cmocka_unit_test(defaults_are_those_of_the_contract),
	        cmocka_unit_test(every_option_arrives),
	        cmocka_unit_test(batch_is_on_without_a_terminal),
	        cmocka_unit_test(everything_behind_two_dashes_is_the_command),
	        cmocka_unit_test(no_color_counts_until_color_is_given),
	        cmocka_unit_test(help_and_version_are_data),
	        cmocka_unit_test(wrong_command_lines_are_refused),
	        cmocka_unit_test(processes_have_names_too),
	        cmocka_unit_test(a_format_has_meaning_with_a_file_or_batch),
	        cmocka_unit_test(check_is_a_command_word),
	        cmocka_unit_test(check_takes_what_has_a_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
