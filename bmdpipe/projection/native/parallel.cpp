// The helpers: threads that sleep until a call is posted.
#include "parallel.hpp"
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <system_error>
#include <thread>
#include <vector>

namespace bmd {
namespace {

struct Call {
    void (*run)(void *, int);
    void *data;
    int places, taken, active;
};

struct Team {
    std::mutex mutex;
    std::condition_variable posted, left;
    std::vector<Call *> calls; // with places to be taken
    int members = 0;

    void serve() {
        std::unique_lock<std::mutex> lock(mutex);
        for (;;) {
            posted.wait(lock, [&] { return !calls.empty(); });
            Call *call = calls.front();
            const int thread = ++call->taken;
            if (thread == call->places) calls.erase(calls.begin());
            ++call->active;
            lock.unlock();
            call->run(call->data, thread);
            lock.lock();
            if (--call->active == 0) left.notify_all();
        }
    }
    void grow(int wanted) {
        while (members < wanted) {
            try {
                std::thread([this] { serve(); }).detach();
            } catch (const std::system_error &) { // the system gives no more; fewer do it all
                return;
            }
            ++members;
        }
    }
};

// Never destroyed: its threads sleep on it until the process ends. A forked child has none of them
// and begins anew.
Team *team = nullptr;

Team &the_team() {
    static const bool once = [] {
        team = new Team;
        pthread_atfork(nullptr, nullptr, [] { team = new Team; });
        return true;
    }();
    (void)once;
    return *team;
}

} // namespace

void together(int helpers, void (*run)(void *, int), void *data) {
    Team &all = the_team();
    Call call{run, data, helpers, 0, 0};
    {
        std::lock_guard<std::mutex> lock(all.mutex);
        all.grow(helpers);
        all.calls.push_back(&call);
    }
    if (helpers == 1) all.posted.notify_one();
    else all.posted.notify_all();
    run(data, 0);
    std::unique_lock<std::mutex> lock(all.mutex);
    all.calls.erase(std::remove(all.calls.begin(), all.calls.end(), &call), all.calls.end());
    all.left.wait(lock, [&] { return call.active == 0; });
}

} // namespace bmd
