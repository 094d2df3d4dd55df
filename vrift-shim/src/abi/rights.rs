//! Descriptors that go through a socket.

use std::ffi::c_int;

use libc::msghdr as Message;

use crate::sys::errno;
use crate::vfs::{descriptor, session};

/// What is sent gets marks, because who receives it has no notes.
pub fn before(message: &Message) {
    if message.msg_controllen != 0 && session::given().is_some() {
        errno::kept(descriptor::leave_marks);
    }
}

/// What was received is not what was noted under its number before.
pub fn forget(message: &Message) {
    // SAFETY: the kernel has just filled in the message, with whole headers as far as the length says, in memory of the
    // program's that is aligned for them.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !next.is_null() {
        // SAFETY: as above; it is not null.
        let header = unsafe { next.read() };
        if header.cmsg_level == libc::SOL_SOCKET && header.cmsg_type == libc::SCM_RIGHTS {
            // SAFETY: behind the header are as many bytes as it says.
            let data = unsafe { libc::CMSG_DATA(next) }.cast::<c_int>();
            let length = (header.cmsg_len as usize).saturating_sub(data as usize - next as usize);
            for place in 0..length / size_of::<c_int>() {
                // SAFETY: inside that length, though perhaps not aligned.
                descriptor::forget(unsafe { data.add(place).read_unaligned() });
            }
        }
        // SAFETY: as above: it looks no further than the message's length.
        next = unsafe { libc::CMSG_NXTHDR(message, next) };
    }
}
