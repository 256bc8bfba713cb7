// A stand-in for a banned program: says when it runs, once a millisecond, until it ends by itself or is ended.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

__attribute__((section(".parrot"), used)) static const char marker[] = "@MARKER@";
__attribute__((used)) static const char spare[] = "spare feathers";

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void say(const char *word) {
  char line[64];
  int length = snprintf(line, sizeof line, "%s %lld\n", word, now());
  if (write(1, line, length) != length) _exit(1);
}

int main(int argc, char **argv) {
  say("runs");
  const char *title = getenv("PARROT_TITLE"), *forget = getenv("PARROT_FORGET"), *life = getenv("PARROT_LIFE");
  if (title != NULL) {
    char *end = argv[argc - 1] + strlen(argv[argc - 1]);
    memset(argv[0], 0, end - argv[0]);
    strncpy(argv[0], title, end - argv[0]);
    prctl(PR_SET_NAME, title);
  }
  if (forget != NULL) unlink(forget);
  long long until = now() + 1000000LL * (life == NULL ? 5000 : atoi(life));
  while (now() < until) {
    usleep(1000);
    say("beats");
  }
  say("ends");
  return 0;
}
