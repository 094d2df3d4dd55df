//! sendmmsg and recvmmsg: many messages in one call, each with a name of its own.

use std::ffi::{c_int, c_uint};

use libc::{mmsghdr as Message, msghdr as One, socklen_t as Length, timespec as Time};

use super::args::{In, Out, Room};
use super::socket::{Any, renamed, sendmsg};
use crate::vfs::{session, sockets};

/// As many as the kernel takes at once.
const MOST: usize = 1024;

/// The message at a place of the program's list.
fn message(list: Out<Message>, place: usize) -> Out<Message> {
    Out::at(list.as_ptr().wrapping_add(place))
}

/// Whether the message is for a name of the file system.
fn is_for_a_path(message: Out<Message>) -> bool {
    let Some(Message { msg_hdr: One { msg_name, msg_namelen, .. }, .. }) = message.read() else {
        return false;
    };
    let length = msg_namelen as usize;
    let address = In::at(msg_name.cast_const().cast::<u8>());
    length <= sockets::HEAD + sockets::LONGEST
        && matches!(address.slice(length), Ok(Some(address)) if sockets::path(address).is_some())
}

hook! {
    /// sendmmsg(2)
    real => fn sendmmsg(socket: c_int, list: Out<Message>, count: c_uint, flags: c_int) -> c_int {
        let all = (count as usize).min(MOST);
        if session::given().is_none() || !(0..all).any(|place| is_for_a_path(message(list, place))) {
            return real(socket, list, count, flags);
        }
        // One after the other, as the kernel does it: what fails behind the first is not told.
        for place in 0..all {
            let at = message(list, place);
            let Some(one) = at.read() else { return place as c_int };
            let sent = sendmsg(socket, In::at(&raw const one.msg_hdr), flags);
            if sent < 0 {
                return if place == 0 { -1 } else { place as c_int };
            }
            let _ = at.put(Message { msg_len: sent as c_uint, ..one });
        }
        all as c_int
    }
}

hook! {
    /// recvmmsg(2)
    real => fn recvmmsg(socket: c_int, list: Out<Message>, count: c_uint, flags: c_int, wait: Out<Time>) -> c_int {
        let all = (count as usize).min(MOST);
        let asked = |place| message(list, place).read().filter(|it| !it.msg_hdr.msg_name.is_null());
        if session::given().is_none()
            || !(0..all).any(|place| asked(place).is_some())
            || !sockets::takes_paths(socket)
        {
            return real(socket, list, count, flags, wait);
        }
        // The names come into room of ours, which is long enough for any.
        let mut rooms: Vec<Any> = (0..all).map(|_| Any([0; 128])).collect();
        let mut ours: Vec<Message> = Vec::with_capacity(all);
        for (place, room) in rooms.iter_mut().enumerate() {
            let Some(mut one) = message(list, place).read() else { break };
            if !one.msg_hdr.msg_name.is_null() {
                one.msg_hdr.msg_name = room.0.as_mut_ptr().cast();
                one.msg_hdr.msg_namelen = room.0.len() as Length;
            }
            ours.push(one);
        }
        let received = real(socket, Out::at(ours.as_mut_ptr()), ours.len() as c_uint, flags, wait);
        let done = usize::try_from(received).unwrap_or(0);
        for (place, (mut one, room)) in ours.into_iter().zip(&mut rooms).enumerate().take(done) {
            if let Some(asked) = asked(place) {
                let got = renamed(room, one.msg_hdr.msg_namelen as usize);
                let known = room.0.get(..got.min(room.0.len())).unwrap_or_default();
                let (name, length) = (asked.msg_hdr.msg_name, asked.msg_hdr.msg_namelen);
                let _ = Room::new(name.cast(), length as usize).fill(known);
                (one.msg_hdr.msg_name, one.msg_hdr.msg_namelen) = (name, got as Length);
            }
            let _ = message(list, place).put(one);
        }
        received
    }
}
