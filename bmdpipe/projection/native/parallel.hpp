// Jobs on threads that live for one call: nothing survives that a fork or another runtime could
// meet. Who does a job never changes what it does, so results do not depend on the threads.
#pragma once
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace bmd {

// Calls work(job, thread) for jobs 0 ... jobs - 1.
template <class Work> void parallel(int64_t jobs, int threads, const Work &work) {
    std::atomic<int64_t> next{0};
    auto run = [&](int thread) {
        for (int64_t job = next++; job < jobs; job = next++) work(job, thread);
    };
    std::vector<std::thread> others;
    const int64_t wanted = threads < jobs ? threads : jobs;
    others.reserve(wanted > 0 ? wanted : 0);
    for (int thread = 1; thread < wanted; ++thread) {
        try {
            others.emplace_back(run, thread);
        } catch (const std::system_error &) { // the system gives no more; those that run do it all
            break;
        }
    }
    run(0);
    for (auto &other : others) other.join();
}

} // namespace bmd
