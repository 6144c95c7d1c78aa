//! Arrays of the kernel that are part of this process's memory: reading them costs no system call.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use super::sys::Plain;

/// The words of an element.
const WORD: usize = size_of::<u64>();

/// An array map made with `BPF_F_MMAPABLE`, whose elements the kernel's programs change while they are read here. Every word is
/// read and written whole; the words of an element may be of different moments.
#[derive(Debug)]
pub(super) struct Mapped<T> {
    words: NonNull<AtomicU64>,
    elements: usize,
    types: PhantomData<T>,
}

// SAFETY: the memory belongs to the mapping, not to a thread, and is reached by atomic operations alone.
unsafe impl<T> Send for Mapped<T> {}

impl<T: Plain> Mapped<T> {
    const WORDS: usize = {
        // The kernel lays elements out at multiples of eight bytes (`array_map_alloc`).
        assert!(size_of::<T>().is_multiple_of(WORD) && align_of::<T>() == WORD);
        size_of::<T>() / WORD
    };

    /// Maps an array of so many elements.
    ///
    /// # Safety
    /// The map must have at least so many elements, of the size and meaning of `T`.
    pub(super) unsafe fn new(fd: BorrowedFd<'_>, elements: usize) -> io::Result<Self> {
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                elements * size_of::<T>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let words = NonNull::new(memory.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self {
            words,
            elements,
            types: PhantomData,
        })
    }

    /// How many elements there are.
    pub(super) fn len(&self) -> usize {
        self.elements
    }

    /// The element of this number; none beyond the last.
    pub(super) fn get(&self, number: usize) -> Option<T> {
        let mut element = std::mem::MaybeUninit::<T>::uninit();
        let target = element.as_mut_ptr().cast::<u64>();
        for (place, word) in self.words_of(number)?.iter().enumerate() {
            // SAFETY: an element has `WORDS` words, and is aligned like one.
            unsafe { target.add(place).write(word.load(Ordering::Relaxed)) };
        }
        // SAFETY: all words are written, and any bytes are a `T`.
        Some(unsafe { element.assume_init() })
    }

    /// Makes the element of this number zeros.
    pub(super) fn clear(&self, number: usize) {
        for word in self.words_of(number).into_iter().flatten() {
            word.store(0, Ordering::Relaxed);
        }
    }

    /// Writes the element of this number, word by word.
    pub(super) fn set(&self, number: usize, element: &T) {
        let source = ptr::from_ref(element).cast::<u64>();
        for (place, word) in self.words_of(number).into_iter().flatten().enumerate() {
            // SAFETY: an element has `WORDS` words, and is aligned like one.
            word.store(unsafe { source.add(place).read() }, Ordering::Relaxed);
        }
    }

    fn words_of(&self, number: usize) -> Option<&[AtomicU64]> {
        (number < self.elements).then(|| {
            // SAFETY: within the mapping, which lives as long as `self`; the kernel's programs change words atomically.
            unsafe {
                std::slice::from_raw_parts(
                    self.words.as_ptr().add(number * Self::WORDS),
                    Self::WORDS,
                )
            }
        })
    }
}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped, with the same length; no reference into it outlives `self`.
        unsafe { libc::munmap(self.words.as_ptr().cast(), self.elements * size_of::<T>()) };
    }
}
