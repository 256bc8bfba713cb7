/*
 * stop-at HOW N DIR LOG PROGRAM ARGUMENT…
 *
 * Runs a program and counts, over all its threads, the system calls that change names, or files below DIR; LOG gets the name
 * of each. HOW says what becomes of number N (from 0):
 *   kill   the program is killed before it happens; of a write, the first half has happened then
 *   full   from there on the disk is full: it and all later ones fail with ENOSPC; only calls that could need room count
 * Ends as the program does; with 137 where it was killed. seccomp_unotify(2) stops a call before the kernel begins with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum on { NAME, OPENED, FILE_OF };

static const struct call {
	const char *name;
	int number;
	enum on on;
	int needs_room;
} calls[] = {
#define CALL(name, on, room) {#name, SYS_##name, on, room}
	CALL(openat, OPENED, 1), CALL(mkdirat, NAME, 1), CALL(renameat, NAME, 1), CALL(renameat2, NAME, 1),
	CALL(linkat, NAME, 1), CALL(symlinkat, NAME, 1), CALL(unlinkat, NAME, 0), CALL(fchmodat, NAME, 0),
	CALL(truncate, NAME, 1), CALL(write, FILE_OF, 1), CALL(writev, FILE_OF, 1), CALL(pwrite64, FILE_OF, 1),
	CALL(pwritev, FILE_OF, 1), CALL(fsync, FILE_OF, 1), CALL(fdatasync, FILE_OF, 1), CALL(ftruncate, FILE_OF, 1),
	CALL(fallocate, FILE_OF, 1), CALL(fchmod, FILE_OF, 0),
#ifdef SYS_open /* the older names, which some machines do not have */
	CALL(open, OPENED, 1), CALL(creat, NAME, 1), CALL(mkdir, NAME, 1), CALL(rename, NAME, 1), CALL(link, NAME, 1),
	CALL(symlink, NAME, 1), CALL(unlink, NAME, 0), CALL(rmdir, NAME, 0), CALL(chmod, NAME, 0),
#endif
};
enum { COUNT = sizeof calls / sizeof *calls };

static int fail(const char *what)
{
	perror(what);
	exit(70);
}

/* Every call of the table waits for our answer; the number of the descriptor where it is asked for. */
static int filter(void)
{
	struct sock_filter code[COUNT + 3] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	for (int i = 0; i < COUNT; i++)
		code[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, COUNT - i, 0);
	code[COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[COUNT + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	struct sock_fprog program = {COUNT + 3, code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("PR_SET_NO_NEW_PRIVS");
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static const struct call *changes(const struct seccomp_notif *asked, const char *dir)
{
	const struct call *call = calls;
	while (call->number != asked->data.nr) call++;
	if (call->on == OPENED) {
		__u64 flags = asked->data.args[strcmp(call->name, "open") == 0 ? 1 : 2];
		return flags & (O_CREAT | O_TRUNC) ? call : NULL;
	}
	if (call->on == NAME) return call;
	char link[64], path[PATH_MAX] = "";
	snprintf(link, sizeof link, "/proc/%u/fd/%d", asked->pid, (int)asked->data.args[0]);
	if (readlink(link, path, sizeof path - 1) < 0) return NULL;
	return strncmp(path, dir, strlen(dir)) == 0 ? call : NULL;
}

/* What a write would do if it came half way. */
static void half(const struct seccomp_notif *asked, int process)
{
	char memory[64];
	size_t length = asked->data.args[2] / 2;
	char *bytes = malloc(length + 1);
	snprintf(memory, sizeof memory, "/proc/%u/mem", asked->pid);
	int from = open(memory, O_RDONLY | O_CLOEXEC);
	int to = syscall(SYS_pidfd_getfd, process, (int)asked->data.args[0], 0);
	if (from < 0 || to < 0 || bytes == NULL) fail("half a write");
	if (pread(from, bytes, length, asked->data.args[1]) != (ssize_t)length) fail("half a write");
	if (write(to, bytes, length) != (ssize_t)length) fail("half a write");
}

int main(int count, char **words)
{
	if (count < 6) return 64;
	int full = strcmp(words[1], "full") == 0;
	long left = atol(words[2]);
	const char *dir = words[3];
	FILE *log = fopen(words[4], "we");
	int *listener = mmap(NULL, sizeof *listener, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (log == NULL || listener == MAP_FAILED) fail(words[4]);

	pid_t child = fork();
	if (child == 0) {
		*listener = filter();
		if (*listener < 0) fail("seccomp");
		raise(SIGSTOP); /* until the other side has the descriptor */
		execv(words[5], words + 5);
		fail(words[5]);
	}
	int status;
	if (child < 0 || waitpid(child, &status, WUNTRACED) < 0 || !WIFSTOPPED(status)) return 70;
	int process = syscall(SYS_pidfd_open, child, 0);
	struct pollfd line = {syscall(SYS_pidfd_getfd, process, *listener, 0), POLLIN, 0};
	if (line.fd < 0) fail("pidfd_getfd");
	kill(child, SIGCONT);

	while (poll(&line, 1, -1) >= 0 && !(line.revents & POLLHUP)) {
		struct seccomp_notif asked = {0};
		if (ioctl(line.fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue; /* it has died meanwhile */
		struct seccomp_notif_resp answer = {.id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
		const struct call *call = changes(&asked, dir);
		if (call != NULL && (call->needs_room || !full)) {
			fprintf(log, "%s\n", call->name);
			if (left-- <= 0 && full) {
				answer.flags = 0;
				answer.error = -ENOSPC;
			} else if (left == -1 && !full) {
				if (strcmp(call->name, "write") == 0) half(&asked, process);
				kill(child, SIGKILL);
				continue;
			}
		}
		ioctl(line.fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
	fclose(log);
	if (waitpid(child, &status, 0) < 0) fail("waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
