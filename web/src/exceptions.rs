//! Distinguishes exceptions of this program from those of others in the same worker.
//!
//! A browser reports an uncaught exception to the whole worker, without naming the program it comes from.
//! But a future of this program that throws never returns from its poll, because WebAssembly is not unwound. So if a
//! poll has begun and not ended when an exception is reported, the exception comes from here.

use std::cell::Cell;
use std::future::poll_fn;

thread_local! {
    /// How many polls have begun and not ended.
    static POLLS: Cell<usize> = const { Cell::new(0) };
}

/// The future, polled so that [`has_escaped`] notices exceptions in it.
pub fn watched<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let mut future = Box::pin(future);
    poll_fn(move |context| {
        POLLS.set(POLLS.get() + 1);
        let poll = future.as_mut().poll(context);
        POLLS.set(POLLS.get() - 1);
        poll
    })
}

/// Whether an exception has ended the poll of a [`watched`] future. To be asked outside of such a future.
pub fn has_escaped() -> bool {
    POLLS.get() > 0
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(watched(future)).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn only_an_exception_within_a_poll_escapes() {
        assert_eq!(poll(async { 7 }), Poll::Ready(7));
        assert_eq!(poll(std::future::pending::<()>()), Poll::Pending);
        assert!(!has_escaped(), "both polls have ended");
        // A panic stands for an exception: neither returns from the poll.
        let thrown = catch_unwind(AssertUnwindSafe(|| poll(async { panic!("unplugged") })));
        assert!(thrown.is_err());
        assert!(has_escaped());
        // Other futures may go on before the exception is reported.
        assert_eq!(poll(async { 7 }), Poll::Ready(7));
        assert!(has_escaped());
    }
}
