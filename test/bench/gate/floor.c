/*
 * The floor for being asked: answers every question about the filesystems of the given mounts with "allow", without
 * looking. fanotify(7). It waits as Edict's gate does, in one thread, by poll(2), at the same priority, and ends with its
 * standard input.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int count, char **mounts) {
  static char events[64 * 24] __attribute__((aligned(8)));
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  setpriority(PRIO_PROCESS, 0, -14); /* without CAP_SYS_NICE it stays as it was */
  int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_LARGEFILE);
  if (fd < 0) return perror("fanotify_init"), 1;
  for (int i = 1; i < count; i += 1)
    if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC_PERM, AT_FDCWD, mounts[i]) != 0)
      return perror("fanotify_mark"), 1;
  if (write(1, "ready\n", 6) != 6) return 1;
  struct pollfd waits[] = {{fd, POLLIN, 0}, {0, POLLIN, 0}};
  for (;;) {
    if (poll(waits, 2, -1) < 0 && errno != EINTR) return perror("poll"), 1;
    if (waits[1].revents != 0) return 0;
    ssize_t length = read(fd, events, sizeof events);
    if (length < 0 && errno != EAGAIN && errno != EINTR) return perror("read"), 1;
    for (struct fanotify_event_metadata *e = (void *)events; length > 0 && FAN_EVENT_OK(e, length);
         e = FAN_EVENT_NEXT(e, length)) {
      struct fanotify_response answer = {e->fd, FAN_ALLOW};
      if (write(fd, &answer, sizeof answer) != sizeof answer) return perror("write"), 1;
      close(e->fd);
    }
  }
}
