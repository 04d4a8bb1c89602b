/* A long line between two network namespaces: a rate, a delay, and a queue that drops its tail.

   wan NAMESPACE_A NAMESPACE_B BITS_A_SECOND ONE_WAY_DELAY_US QUEUE_BYTES

   In each namespace (a file below /run/netns) it makes a TUN device `wan0`, and passes what comes
   out of one on to the other: after the time that a packet of that size takes at that rate, and the
   delay. What is queued counts until it has left. Prints "ready"; the devices vanish when it ends.
   Clients that compute must not slow the line down: it goes before them where it is allowed to. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 16384, LONGEST = 9216, BATCH = 64, ETHERNET = 14 };

struct packet {
    uint64_t due_ns;
    int size;
    char data[LONGEST];
};

struct way {
    struct packet *ring;
    unsigned head, tail; /* the oldest, and the next that is free */
    uint64_t queued, free_ns;
    int in, out;
};

static uint64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void stop(const char *what) {
    perror(what);
    exit(1);
}

static int device_in(const char *name) {
    char path[256];
    struct ifreq wanted = {0};
    int space, device;
    snprintf(path, sizeof path, "/run/netns/%s", name);
    if ((space = open(path, O_RDONLY)) < 0 || setns(space, CLONE_NEWNET) < 0) stop(path);
    close(space);
    if ((device = open("/dev/net/tun", O_RDWR | O_NONBLOCK)) < 0) stop("/dev/net/tun");
    wanted.ifr_flags = IFF_TUN | IFF_NO_PI;
    strcpy(wanted.ifr_name, "wan0");
    if (ioctl(device, TUNSETIFF, &wanted) < 0) stop("wan0");
    return device;
}

static void accept_packets(struct way *way, double ns_a_byte, uint64_t delay_ns, uint64_t queue) {
    static char beyond[LONGEST];
    for (int taken = 0; taken < BATCH; taken++) {
        unsigned next = (way->tail + 1) % SLOTS;
        struct packet *packet = &way->ring[way->tail];
        int full = next == way->head;
        int size = (int)read(way->in, full ? beyond : packet->data, LONGEST);
        if (size <= 0) return;
        if (full || way->queued + (uint64_t)size > queue) continue; /* the tail is dropped */
        uint64_t at_ns = now_ns();
        uint64_t starts_ns = way->free_ns > at_ns ? way->free_ns : at_ns;
        way->free_ns = starts_ns + (uint64_t)((size + ETHERNET) * ns_a_byte);
        packet->due_ns = way->free_ns + delay_ns;
        packet->size = size;
        way->queued += (uint64_t)size;
        way->tail = next;
    }
}

static uint64_t deliver_packets(struct way *way, uint64_t until_ns) {
    uint64_t at_ns = now_ns();
    while (way->head != way->tail) {
        struct packet *packet = &way->ring[way->head];
        if (packet->due_ns > at_ns) return packet->due_ns < until_ns ? packet->due_ns : until_ns;
        if (write(way->out, packet->data, (size_t)packet->size) < 0) { /* lost, as on any line */
        }
        way->queued -= (uint64_t)packet->size;
        way->head = (way->head + 1) % SLOTS;
    }
    return until_ns;
}

int main(int count, char **words) {
    if (count != 6) {
        fputs("wan NAMESPACE_A NAMESPACE_B BITS_A_SECOND DELAY_US QUEUE_BYTES\n", stderr);
        return 2;
    }
    double ns_a_byte = 8e9 / atof(words[3]);
    uint64_t delay_ns = strtoull(words[4], 0, 10) * 1000u, queue = strtoull(words[5], 0, 10);
    int a = device_in(words[1]), b = device_in(words[2]);
    struct way ways[2] = {{.in = a, .out = b}, {.in = b, .out = a}};
    for (int i = 0; i < 2; i++)
        if (!(ways[i].ring = calloc(SLOTS, sizeof *ways[i].ring))) stop("memory");
    (void)setpriority(PRIO_PROCESS, 0, -15);
    puts("ready");
    fflush(stdout);
    for (;;) {
        uint64_t wake_ns = now_ns() + 1000000000u;
        for (int i = 0; i < 2; i++) {
            accept_packets(&ways[i], ns_a_byte, delay_ns, queue);
            wake_ns = deliver_packets(&ways[i], wake_ns);
        }
        uint64_t at_ns = now_ns(), wait_ns = wake_ns > at_ns ? wake_ns - at_ns : 0;
        struct timespec wait = {(time_t)(wait_ns / 1000000000u), (long)(wait_ns % 1000000000u)};
        struct pollfd watched[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
        ppoll(watched, 2, &wait, 0);
    }
}
