/*
 * Process trees at full speed: so many workers, each starting one root after the other; a root starts a number of leaves
 * at once and waits for them all. A leaf execs, in turn: the system's program, the person's own, a copy that was made a
 * moment before and that nobody has seen, and every few trees the one that is banned. A banned one must not run (EPERM),
 * the others must run and end with 0. All enter ROOT by chroot and become UID.
 *
 *   trees WORKERS LEAVES SECONDS UID ROOT SYSTEM OWN BANNED
 *
 * Once a second, and at the end with the word "end" before it, a line: milliseconds since the start, executions allowed,
 * executions denied, wrong answers, programs started that have not ended. Those still there 20 s after the end are lost.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct count {
  atomic_long begun, allowed, denied, wrong;
};
static struct count *all;
static int leaves, uid;
static char *own, *banned, *systems;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* The person's own program once more, with an end of its own. */
static void copy(const char *to, long serial) {
  static char buffer[1 << 16];
  int in = open(own, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  ssize_t length;
  while ((length = read(in, buffer, sizeof buffer)) > 0)
    if (write(out, buffer, length) != length) exit(3);
  if (in < 0 || out < 0 || dprintf(out, "%d %ld", getpid(), serial) < 0) exit(3);
  close(in);
  close(out);
}

static void leaf(char *program, int forbidden) {
  char *argv[] = {program, NULL}, *env[] = {"LANG=C", NULL};
  volatile int failed = 0;
  int status = 0;
  atomic_fetch_add(&all->begun, 1);
  pid_t pid = vfork();
  if (pid == 0) {
    execve(program, argv, env);
    failed = errno;
    _exit(127);
  }
  if (pid < 0) exit(3);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  atomic_fetch_add(failed == EPERM ? &all->denied : &all->allowed, 1);
  if (forbidden ? failed == EPERM : failed == 0 && status == 0) return;
  atomic_fetch_add(&all->wrong, 1);
  fprintf(stderr, "wrong: %s, %s: errno %d, status %d\n", program, forbidden ? "banned" : "allowed", failed, status);
}

static void root(long serial) {
  char fresh[64];
  snprintf(fresh, sizeof fresh, "/home/fresh-%d", getpid());
  for (int i = 0; i < leaves; i += 1) {
    int forbidden = i == 3 && serial % 4 == 0;
    char *program = forbidden ? banned : i == 2 ? fresh : i % 2 == 0 ? systems : own;
    if (program == fresh) copy(fresh, serial);
    pid_t pid = fork();
    if (pid == 0) {
      leaf(program, forbidden);
      _exit(0);
    }
    if (pid < 0) exit(3);
  }
  while (wait(NULL) > 0 || errno == EINTR) {
  }
  unlink(fresh);
}

static void worker(long long end) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (setgid(uid) != 0 || setuid(uid) != 0) exit(3);
  for (long serial = 0; now() < end; serial += 1) {
    pid_t pid = fork();
    if (pid == 0) {
      root(serial);
      _exit(0);
    }
    if (pid < 0) exit(3);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
  }
  exit(0);
}

static void tell(const char *word, long long begun) {
  long allowed = all->allowed, denied = all->denied;
  printf("%s%lld %ld %ld %ld %ld\n", word, now() - begun, allowed, denied, (long)all->wrong, all->begun - allowed - denied);
  fflush(stdout);
}

int main(int count, char **words) {
  if (count != 9) return 2;
  int workers = atoi(words[1]);
  leaves = atoi(words[2]);
  long long begun = now(), end = begun + 1000LL * atoi(words[3]), late = end + 20000;
  uid = atoi(words[4]);
  systems = words[6], own = words[7], banned = words[8];
  all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED || chroot(words[5]) != 0 || chdir("/") != 0) return perror(words[5]), 1;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 0; i < workers; i += 1) {
    pid_t pid = fork();
    if (pid == 0) worker(end);
    if (pid < 0) return perror("fork"), 1;
  }
  int failed = 0;
  for (long long next = begun + 1000; now() < late; ) {
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid < 0 && errno == ECHILD) break;
    if (pid > 0) {
      failed |= status != 0;
      continue;
    }
    usleep(20000);
    if (now() >= next) tell("", begun), next += 1000;
  }
  tell("end ", begun);
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM);
  return failed ? 1 : 0;
}
