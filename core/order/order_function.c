/* SPDX-License-Identifier: MIT */
#include "core/order/order_function.h"

/* Names as go1.17 to go1.27 have them: several of one row's kind are of different releases, or one
 * inside the other. runtime.newproc.func1 is not probed at its entry: order_site finds in it the
 * call that hands on the new goroutine. */
const struct order_function_row order_function_rows[] = {
        {"sync.(*Mutex).lockSlow", ORDER_LOCK_SLOW, ORDER_A0},
        {"internal/sync.(*Mutex).lockSlow", ORDER_LOCK_SLOW, ORDER_A0},
        {"sync.(*RWMutex).Lock", ORDER_RW_LOCK, ORDER_A0},
        {"sync.(*RWMutex).Unlock", ORDER_RW_UNLOCK, ORDER_A0},
        {"sync.(*WaitGroup).Add", ORDER_WAITGROUP_ADD, ORDER_A0},
        {"sync.(*WaitGroup).Wait", ORDER_WAITGROUP_WAIT, ORDER_A0},
        {"sync.(*WaitGroup).Go", ORDER_WAITGROUP_GO, ORDER_A0},
        {"sync.(*Cond).Wait", ORDER_COND_WAIT, ORDER_A0},
        {"sync.runtime_notifyListWait", ORDER_COND_WAIT, ORDER_A0},
        {"sync.(*Cond).Signal", ORDER_COND_SIGNAL, ORDER_A0},
        {"sync.runtime_notifyListNotifyOne", ORDER_COND_SIGNAL, ORDER_A0},
        {"sync.(*Cond).Broadcast", ORDER_COND_BROADCAST, ORDER_A0},
        {"sync.runtime_notifyListNotifyAll", ORDER_COND_BROADCAST, ORDER_A0},
        {"sync.(*Pool).Get", ORDER_POOL_GET, ORDER_A0},
        {"sync.(*Pool).Put", ORDER_POOL_PUT, ORDER_A0},
        {"sync.(*Once).doSlow", ORDER_ONCE_SLOW, ORDER_A0},
        {"runtime.chansend", ORDER_SEND, ORDER_A0},
        {"runtime.chanrecv", ORDER_RECEIVE, ORDER_A0},
        {"runtime.closechan", ORDER_CLOSE, ORDER_A0},
        {"runtime.selectgo", ORDER_SELECT, ORDER_ARGUMENT_NONE},
        {"runtime.selectnbsend", ORDER_SELECT_SEND, ORDER_A0},
        {"runtime.selectnbrecv", ORDER_SELECT_RECEIVE, ORDER_A1},
        {"runtime.newproc", ORDER_SPAWN, ORDER_A0},
        {"runtime.newproc.func1", ORDER_CHILD, ORDER_A1},
        {"runtime.ready", ORDER_WAKE, ORDER_A0},
        {"runtime.goexit0", ORDER_EXIT, ORDER_A0},
        {"runtime.gdestroy", ORDER_EXIT, ORDER_A0},
        {"runtime.coroswitch_m", ORDER_COROUTINE, ORDER_A0},
        {"time.startTimer", ORDER_TIMER_START, ORDER_A0},
        {"time.newTimer", ORDER_TIMER_START, ORDER_ARGUMENT_NONE},
        {"time.stopTimer", ORDER_TIMER_STOP, ORDER_A0},
        {"time.resetTimer", ORDER_TIMER_RESET, ORDER_A0},
        {"time.modTimer", ORDER_TIMER_RESET, ORDER_A0},
        {"time.goFunc", ORDER_TIMER_FIRE, ORDER_A1},
        {"time.Sleep", ORDER_SLEEP, ORDER_ARGUMENT_NONE},
        {"sync.runtime_Semacquire", ORDER_SEMAPHORE_ACQUIRE, ORDER_A0},
        {"sync.runtime_SemacquireMutex", ORDER_SEMAPHORE_ACQUIRE, ORDER_A0},
        {"sync.runtime_SemacquireRWMutex", ORDER_SEMAPHORE_ACQUIRE, ORDER_A0},
        {"sync.runtime_SemacquireRWMutexR", ORDER_SEMAPHORE_ACQUIRE, ORDER_A0},
        {"sync.runtime_SemacquireWaitGroup", ORDER_SEMAPHORE_ACQUIRE, ORDER_A0},
        {"internal/sync.runtime_SemacquireMutex", ORDER_SEMAPHORE_ACQUIRE, ORDER_A0},
        {"internal/poll.runtime_Semacquire", ORDER_SEMAPHORE_ACQUIRE, ORDER_A0},
        {"sync.runtime_Semrelease", ORDER_SEMAPHORE_RELEASE, ORDER_A0},
        {"internal/sync.runtime_Semrelease", ORDER_SEMAPHORE_RELEASE, ORDER_A0},
        {"internal/poll.runtime_Semrelease", ORDER_SEMAPHORE_RELEASE, ORDER_A0},
        {"internal/poll.(*fdMutex).rwlock", ORDER_DESCRIPTOR_LOCK, ORDER_A0},
        {"internal/poll.(*fdMutex).rwunlock", ORDER_DESCRIPTOR_UNLOCK, ORDER_A0},
        {"internal/poll.(*fdMutex).incref", ORDER_DESCRIPTOR_TAKE, ORDER_A0},
        {"internal/poll.(*fdMutex).decref", ORDER_DESCRIPTOR_DROP, ORDER_A0},
        {"internal/poll.(*FD).decref", ORDER_DESCRIPTOR_DROP, ORDER_A0},
        {"internal/poll.(*fdMutex).increfAndClose", ORDER_DESCRIPTOR_CLOSE, ORDER_A0},
        {"syscall.write", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"syscall.pwrite", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"syscall.sendto", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"syscall.sendmsg", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"syscall.sendfile", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"syscall.Splice", ORDER_DESCRIPTOR_WRITE, ORDER_ARGUMENT_NONE},
        {"syscall.Tee", ORDER_DESCRIPTOR_WRITE, ORDER_ARGUMENT_NONE},
        {"syscall.Shutdown", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"syscall.Close", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"internal/poll.writev", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"golang.org/x/sys/unix.write", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"golang.org/x/sys/unix.writev", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"golang.org/x/sys/unix.sendto", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"golang.org/x/sys/unix.sendmsg", ORDER_DESCRIPTOR_WRITE, ORDER_A0},
        {"syscall.Flock", ORDER_UNSEEN, ORDER_ARGUMENT_NONE},
        {"syscall.FcntlFlock", ORDER_UNSEEN, ORDER_ARGUMENT_NONE},
        {"golang.org/x/sys/unix.Flock", ORDER_UNSEEN, ORDER_ARGUMENT_NONE},
        {"golang.org/x/sys/unix.FcntlFlock", ORDER_UNSEEN, ORDER_ARGUMENT_NONE},
        {"syscall.Kill", ORDER_UNSEEN, ORDER_ARGUMENT_NONE},
        {"golang.org/x/sys/unix.Kill", ORDER_UNSEEN, ORDER_ARGUMENT_NONE},
        {"golang.org/x/sys/unix.Tgkill", ORDER_UNSEEN, ORDER_ARGUMENT_NONE},
        {"runtime.cgocall", ORDER_UNSEEN, ORDER_ARGUMENT_NONE},
        {"runtime.cgocallback", ORDER_UNSEEN, ORDER_ARGUMENT_NONE},
        {"runtime.runfinq", ORDER_FINALIZERS, ORDER_ARGUMENT_NONE},
        {"runtime.runFinalizers", ORDER_FINALIZERS, ORDER_ARGUMENT_NONE},
        {"runtime.runCleanups", ORDER_CLEANUPS, ORDER_ARGUMENT_NONE},
        {"runtime.mapclone2", ORDER_MAP_CLONE, ORDER_A1},
        {"internal/runtime/maps.(*Map).Clone", ORDER_MAP_CLONE, ORDER_A0},
        {"sync/atomic.CompareAndSwapPointer", ORDER_ATOMIC_CAS, ORDER_A0},
        {"sync/atomic.SwapPointer", ORDER_ATOMIC_STORE, ORDER_A0},
        {"sync/atomic.StorePointer", ORDER_ATOMIC_STORE, ORDER_A0},
};
const size_t order_function_row_count =
        sizeof(order_function_rows) / sizeof(order_function_rows[0]);

const char *order_function_words(enum order_function function)
{
	static const char *const words[ORDER_FUNCTION_COUNT] = {
#define X(id, text, edge) [ORDER_##id] = (text),
	        ORDER_FUNCTIONS(X)
#undef X
	};

	return function < ORDER_FUNCTION_COUNT ? words[function] : "unknown";
}

enum order_edge order_function_edge(enum order_function function)
{
	static const enum order_edge edges[ORDER_FUNCTION_COUNT] = {
#define X(id, text, edge) [ORDER_##id] = ORDER_##edge,
	        ORDER_FUNCTIONS(X)
#undef X
	};

	return function < ORDER_FUNCTION_COUNT ? edges[function] : ORDER_NOTHING;
}
