/* The loop of tasks/src/count/kernel.rs in C: says how many nanoseconds it takes to count so far. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

__attribute__((noinline)) static uint64_t count_to(uint64_t n) {
    uint64_t counter = 0;
    while (counter < n) {
        counter++;
        __asm__ volatile("" : "+r"(counter));
    }
    return counter;
}

int main(int arguments, char **argument) {
    if (arguments != 2) return 2;
    uint64_t n = strtoull(argument[1], NULL, 10);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    uint64_t counted = count_to(n);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%" PRId64 "\n", (int64_t)(end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec);
    return counted == n ? 0 : 1;
}
