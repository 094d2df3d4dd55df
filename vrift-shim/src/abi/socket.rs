//! Calls that name a socket by a path, or say by which path it was named.

use std::ffi::{c_int, c_void};

use libc::{msghdr as Message, socklen_t as Length};
use rustix::io::Errno;

use super::args::{In, Out, Room, fail};
use super::rights;
use crate::sys::errno;
use crate::vfs::sockets::Way;
use crate::vfs::{session, sockets};

/// The path in an address that the program passes.
fn path<'a>(address: In<u8>, length: Length) -> Option<&'a [u8]> {
    // What is longer than any address of the kind the kernel refuses.
    if length as usize > sockets::HEAD + sockets::LONGEST || session::given().is_none() {
        return None;
    }
    sockets::path(address.slice(length as usize).ok()??)
}

hook! {
    /// bind(2)
    real => fn bind(socket: c_int, address: In<u8>, length: Length) -> c_int {
        let Some(path) = path(address, length) else { return real(socket, address, length) };
        match sockets::bind(socket, path) {
            Ok((Way::Place(at) | Way::Outside(at), bound)) => {
                let result = real(socket, In::to(at.bytes()), at.bytes().len() as Length);
                if let Some(bound) = bound {
                    errno::kept(|| bound.done(path, result == 0));
                }
                result
            }
            Ok((Way::AsSaid, _)) => real(socket, address, length),
            Err(errno) => fail(errno),
        }
    }
}

/// Sends to the meeting place of the name in `address`, or to `address` itself.
fn send<R: super::args::Failure + PartialEq>(
    socket: c_int,
    address: In<u8>,
    length: Length,
    real: impl FnOnce(In<u8>, Length) -> R,
) -> R {
    let Some(path) = path(address, length) else { return real(address, length) };
    match sockets::peer(socket, path) {
        Ok(Way::Place(at)) => {
            let result = real(In::to(at.bytes()), at.bytes().len() as Length);
            // A node without a meeting place is a socket that nobody has bound here.
            let none = result == R::FAILED && errno::get() == libc::ENOENT;
            if none { fail(Errno::CONNREFUSED) } else { result }
        }
        Ok(Way::Outside(at)) => real(In::to(at.bytes()), at.bytes().len() as Length),
        Ok(Way::AsSaid) => real(address, length),
        Err(errno) => fail(errno),
    }
}

fn connecting(
    real: extern "C" fn(c_int, In<u8>, Length) -> c_int,
    socket: c_int,
    address: In<u8>,
    length: Length,
) -> c_int {
    send(socket, address, length, |address, length| real(socket, address, length))
}

spellings!(connecting: fn(socket: c_int, address: In<u8>, length: Length) -> c_int: connect, __connect);

/// Whether a message is for a socket that is named with it.
fn is_for_a_name(socket: c_int, address: In<u8>) -> bool {
    !address.as_ptr().is_null() && session::given().is_some() && sockets::sends_to_names(socket)
}

hook! {
    /// sendto(2)
    real => fn sendto(socket: c_int, data: In<u8>, size: usize, flags: c_int, address: In<u8>, length: Length) -> isize {
        if !is_for_a_name(socket, address) {
            return real(socket, data, size, flags, address, length);
        }
        send(socket, address, length, |address, length| real(socket, data, size, flags, address, length))
    }
}

/// The message with another name. (musl's has parts between the fields that nobody may name.)
fn called(mut message: Message, name: *mut c_void, length: Length) -> Message {
    (message.msg_name, message.msg_namelen) = (name, length);
    message
}

hook! {
    /// sendmsg(2)
    real => fn sendmsg(socket: c_int, message: In<Message>, flags: c_int) -> isize {
        let sent = message.get();
        if let Ok(Some(sent)) = sent {
            rights::before(&sent);
        }
        let named = match sent {
            Ok(Some(given)) if is_for_a_name(socket, In::at(given.msg_name.cast())) => given,
            _ => return real(socket, message, flags),
        };
        send(socket, In::at(named.msg_name.cast()), named.msg_namelen, |address, length| {
            if address.as_ptr() == named.msg_name.cast() {
                return real(socket, message, flags);
            }
            let msg_name = address.as_ptr().cast_mut().cast();
            let named = called(named, msg_name, length);
            real(socket, In::at(&raw const named), flags)
        })
    }
}

/// Room for an address of any kind.
#[repr(align(8))]
pub(super) struct Any(pub(super) [u8; 128]);

/// Asks for an address, in room of ours, and gives the program what is there, with the name that it knows.
fn told<R: super::args::Failure + PartialEq>(
    address: Out<u8>,
    length: Out<Length>,
    real: impl Fn(Out<u8>, Out<Length>) -> R,
) -> R {
    let room = match length.read() {
        Some(room) if session::given().is_some() && !address.is_null() => room as usize,
        _ => return real(address, length),
    };
    let mut any = Any([0; 128]);
    let mut got = any.0.len() as Length;
    let result = real(Out::at(any.0.as_mut_ptr()), Out::of(&mut got));
    if result == R::FAILED {
        return result;
    }
    let got = renamed(&mut any, got as usize);
    let known = any.0.get(..got.min(any.0.len())).unwrap_or_default();
    let _ = Room::new(address.as_ptr().cast(), room).fill(known);
    let _ = length.put(got as Length);
    result
}

/// Puts the name that the program knows into an address; the address's length.
pub(super) fn renamed(any: &mut Any, got: usize) -> usize {
    let mut name = [0; sockets::LONGEST];
    let known = any
        .0
        .get(..got.min(any.0.len()))
        .and_then(sockets::path)
        .and_then(|path| sockets::name_of(path, &mut name));
    let Some(length) = known else { return got };
    let Some(room) = any.0.get_mut(sockets::HEAD..) else { return got };
    room.fill(0);
    for (place, byte) in room.iter_mut().zip(name.get(..length).unwrap_or_default()) {
        *place = *byte;
    }
    sockets::HEAD + length + 1
}

fn asked(
    real: extern "C" fn(c_int, Out<u8>, Out<Length>) -> c_int,
    socket: c_int,
    address: Out<u8>,
    length: Out<Length>,
) -> c_int {
    told(address, length, |address, length| real(socket, address, length))
}

spellings!(asked: fn(socket: c_int, address: Out<u8>, length: Out<Length>) -> c_int: getsockname, getpeername, accept);

hook! {
    /// accept4(2)
    real => fn accept4(socket: c_int, address: Out<u8>, length: Out<Length>, flags: c_int) -> c_int {
        told(address, length, |address, length| real(socket, address, length, flags))
    }
}

hook! {
    /// recvfrom(2)
    real => fn recvfrom(socket: c_int, data: Out<u8>, size: usize, flags: c_int, address: Out<u8>, length: Out<Length>) -> isize {
        told(address, length, |address, length| real(socket, data, size, flags, address, length))
    }
}

hook! {
    /// recvfrom(2), fortified.
    real => fn __recvfrom_chk(socket: c_int, data: Out<u8>, size: usize, known: usize, flags: c_int, address: Out<u8>, length: Out<Length>) -> isize {
        told(address, length, |address, length| real(socket, data, size, known, flags, address, length))
    }
}

hook! {
    /// recvmsg(2)
    real => fn recvmsg(socket: c_int, message: Out<Message>, flags: c_int) -> isize {
        if session::given().is_none() {
            return real(socket, message, flags);
        }
        let asked = match message.read() {
            Some(asked) if !asked.msg_name.is_null() => asked,
            _ => {
                let result = real(socket, message, flags);
                if result >= 0 && let Some(got) = message.read() {
                    rights::forget(&got);
                }
                return result;
            }
        };
        let mut any = Any([0; 128]);
        let msg_name = any.0.as_mut_ptr().cast();
        let mut ours = called(asked, msg_name, any.0.len() as Length);
        let result = real(socket, Out::of(&mut ours), flags);
        if result < 0 {
            return result;
        }
        rights::forget(&ours);
        let got = renamed(&mut any, ours.msg_namelen as usize);
        let known = any.0.get(..got.min(any.0.len())).unwrap_or_default();
        let _ = Room::new(asked.msg_name.cast(), asked.msg_namelen as usize).fill(known);
        let _ = message.put(called(ours, asked.msg_name, got as Length));
        result
    }
}
