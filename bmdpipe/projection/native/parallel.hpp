// Jobs on threads that are kept from call to call. Who does a job never changes what it does, so
// results do not depend on the threads. A call waits for helpers that work on it, never for one that
// has yet to wake: on a busy machine the calling thread does what the others do not come to.
#pragma once
#include <atomic>
#include <cstdint>

namespace bmd {

// Calls run(data, thread) on the calling thread as 0 and on up to `helpers` others as 1, 2, ...
void together(int helpers, void (*run)(void *, int), void *data);

// Calls work(job, thread) for jobs 0 ... jobs - 1, begun in that order.
template <class Work> void parallel(int64_t jobs, int threads, const Work &work) {
    std::atomic<int64_t> next{0};
    auto run = [&](int thread) {
        for (int64_t job = next++; job < jobs; job = next++) work(job, thread);
    };
    const int64_t wanted = threads < jobs ? threads : jobs;
    if (wanted < 2) return run(0);
    together((int)wanted - 1, [](void *data, int thread) { (*(decltype(run) *)data)(thread); }, &run);
}

} // namespace bmd
