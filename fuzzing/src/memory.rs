//! The memory that a thread holds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// The bytes that this thread has allocated and not freed. Below zero where it frees what others allocated.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// The most of them since the case began.
    static HIGHEST: Cell<isize> = const { Cell::new(0) };
    /// The most that are permitted, and what is called at more.
    static LIMIT: Cell<Limit> = const { Cell::new((isize::MAX, None)) };
}

type Limit = (isize, Option<&'static dyn Fn()>);

/// Runs `case`; the most bytes that it held at a time. `exceed` is called when it takes more than `limit`.
pub(crate) fn peak(limit: usize, exceed: impl Fn(), case: impl FnOnce()) -> usize {
    /// Restores the limit, also after a panic.
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            LIMIT.set((isize::MAX, None));
        }
    }
    let start = HELD.get();
    HIGHEST.set(start);
    let exceed: &dyn Fn() = &exceed;
    // SAFETY: `Restore` removes the reference before `exceed` is dropped, and no other thread sees it.
    let exceed: &'static dyn Fn() = unsafe { std::mem::transmute(exceed) };
    let restore = Restore;
    LIMIT.set((start.saturating_add_unsigned(limit), Some(exceed)));
    case();
    drop(restore);
    HIGHEST.get().abs_diff(start)
}

/// The system's allocator, with a count of each thread's bytes.
struct Counting;

fn count(bytes: isize) {
    // A thread that ends has no count any more.
    let held = HELD.try_with(|held| {
        held.set(held.get().wrapping_add(bytes));
        held.get()
    });
    let Ok(held) = held else {
        return;
    };
    let _ = HIGHEST.try_with(|highest| highest.set(highest.get().max(held)));
    let _ = LIMIT.try_with(|limit| {
        if let (most, Some(exceed)) = limit.get()
            && held > most
            // A trace of the stack takes much memory.
            && !std::thread::panicking()
        {
            // What it allocates must not exceed the limit again.
            limit.set((isize::MAX, None));
            exceed();
        }
    });
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

// SAFETY: all memory comes from the system's allocator, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(signed(size) - signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_of_a_case_is_what_it_holds_at_a_time() {
        let case = || {
            for _ in 0..3 {
                drop(std::hint::black_box(vec![1_u8; 5000]));
            }
            drop(std::hint::black_box(vec![1_u8; 3000]));
        };
        let bytes = peak(usize::MAX / 4, || panic!("less is permitted"), case);
        assert!((5000..6000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn more_than_the_limit_is_reported_once() {
        let reports = Cell::new(0);
        let case = || {
            for length in [900, 1100, 1200] {
                drop(std::hint::black_box(vec![1_u8; length]));
            }
        };
        peak(1000, || reports.set(reports.get() + 1), case);
        assert_eq!(reports.get(), 1);
    }
}
