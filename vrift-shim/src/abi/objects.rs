//! What an object that is loaded says of where its libraries are.

use std::ffi::{CStr, c_char, c_int, c_void};

use libc::Dl_info;

use crate::sys::next::Next;
use crate::vfs::library::Here;

/// The beginning of the loader's record of an object.
#[repr(C)]
struct Record {
    difference: usize,
    name: *const c_char,
    dynamic: *const Entry,
}

#[repr(C)]
struct Entry {
    kind: u64,
    value: u64,
}

const STRINGS: u64 = 5;
const RPATH: u64 = 15;
const RUNPATH: u64 = 29;
const WITH_RECORD: c_int = 2;

/// The one that an address is in.
pub fn of(address: *const c_void) -> Option<Here> {
    static NEXT: Next = Next::new();
    type Function = extern "C" fn(*const c_void, *mut Dl_info, *mut *mut Record, c_int) -> c_int;
    // SAFETY: the next definition of dladdr1, which is called as C calls it.
    let dladdr1 = unsafe { core::mem::transmute::<*mut c_void, Function>(NEXT.get(c"dladdr1")) };
    let mut record: *mut Record = std::ptr::null_mut();
    let mut info = core::mem::MaybeUninit::<Dl_info>::uninit();
    if dladdr1(address, info.as_mut_ptr(), &raw mut record, WITH_RECORD) == 0 || record.is_null() {
        return None;
    }
    // SAFETY: the loader's, which stays as long as the object: its code is running.
    let record = unsafe { &*record };
    let mut found = [0; 3];
    let mut entry = record.dynamic;
    // SAFETY: an array of entries that ends with one of kind 0, in the object's memory.
    while let Some(Entry { kind, value }) = unsafe { entry.as_ref() }.filter(|it| it.kind != 0) {
        let kinds = [STRINGS, RPATH, RUNPATH].into_iter().zip(&mut found);
        kinds.filter(|(wanted, _)| wanted == kind).for_each(|(_, place)| *place = *value as usize);
        // SAFETY: it was not the last.
        entry = unsafe { entry.add(1) };
    }
    let [strings, rpath, runpath] = found;
    // The loader has made an address of it, where the C library does so.
    let strings = if strings < record.difference { strings + record.difference } else { strings };
    let text = |place: usize| {
        let string =
            (strings != 0 && place != 0).then(|| strings.wrapping_add(place) as *const c_char)?;
        // SAFETY: a string of the object's own table.
        Some(unsafe { CStr::from_ptr(string) }.to_bytes())
    };
    // SAFETY: the loader's; empty for the program.
    let name = (!record.name.is_null()).then(|| unsafe { CStr::from_ptr(record.name) }.to_bytes());
    Some(Here { rpath: text(rpath), runpath: text(runpath), name: name.unwrap_or(b"") })
}
