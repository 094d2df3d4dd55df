//! C structures, all zero: they have padding and fields that differ between machines, and are then filled in.

macro_rules! zeroed {
    ($($name:ident),*) => {$(
        /// All zero.
        pub fn $name() -> libc::$name {
            // SAFETY: a structure of integers, for which zero is a value.
            unsafe { std::mem::zeroed() }
        }
    )*};
}

zeroed!(stat, statx, statx_timestamp);
