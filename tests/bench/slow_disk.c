/* Preloaded (LD_PRELOAD), lets one sync in $SLOW_DISK_EVERY milliseconds take $SLOW_DISK_STALL milliseconds longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static long milliseconds(const char *variable) {
    const char *value = getenv(variable);
    return value ? atol(value) : 0;
}

static void stall_if_due(void) {
    static long due_at = 0;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const long at = now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (at < due_at) return;
    due_at = at + milliseconds("SLOW_DISK_EVERY");
    const long stall = milliseconds("SLOW_DISK_STALL");
    const struct timespec pause = {stall / 1000, stall % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

int fsync(int file) {
    static int (*original)(int);
    if (!original) original = dlsym(RTLD_NEXT, "fsync");
    stall_if_due();
    return original(file);
}

int fdatasync(int file) {
    static int (*original)(int);
    if (!original) original = dlsym(RTLD_NEXT, "fdatasync");
    stall_if_due();
    return original(file);
}
