/* SPDX-License-Identifier: MIT */
#include "bpf/attach/permission.h"

#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

int permission_try_code(const struct bpf_insn *code, size_t count)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", code, count, NULL);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int permission_try(void)
{
	static const struct bpf_insn code[] = {
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	        {.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, NULL, 8, 8, 1, NULL);

	if (fd < 0)
		return fd;
	close(fd);
	return permission_try_code(code, sizeof(code) / sizeof(code[0]));
}
