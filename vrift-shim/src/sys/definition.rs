//! The next definition of a name, or a variable, looked for as `dlsym` would, without `dlsym`: that forgets what `dlerror`
//! has still to say, of which the program knows and this library's first look for a name must not.
//!
//! Only in the objects between this one and the C library, that one included: they are never unloaded. Whatever is not as it
//! should be there is for `dlsym`.

use std::ffi::{CStr, c_char, c_void};

use super::own;

/// The loader's list of what is loaded.
#[cfg(target_env = "gnu")]
#[repr(C)]
struct Debug {
    version: i32,
    first: *const Record,
}

/// The beginning of the loader's record of an object.
#[repr(C)]
struct Record {
    base: usize,
    name: *const c_char,
    dynamic: *const [usize; 2],
    next: *const Record,
}

// SAFETY: the loader defines it, for debuggers, and it stays.
#[cfg(target_env = "gnu")]
unsafe extern "C" {
    #[link_name = "_r_debug"]
    static DEBUG: Debug;
}

const STRINGS: usize = 5;
const SYMBOLS: usize = 6;
const HASH: usize = 0x6fff_fef5;
const VERSIONS: usize = 0x6fff_fff0;

/// Set in the version of a definition that only who was linked with it long ago gets.
const HIDDEN: u16 = 0x8000;
/// Kinds of symbols.
const VARIABLE: u8 = 1;
const FUNCTION: u8 = 2;

/// How the names of C libraries begin.
const LIBC: &[u8] = b"libc.so";

/// The next definition of a function; `None`: `dlsym` knows.
pub fn next(name: &CStr) -> Option<*mut c_void> {
    behind_own(name, FUNCTION)
}

/// A variable of the C library: the program's copy, if it has one, for then that is in use. `None`: there is none, or it
/// cannot be told. What else is loaded before this library has no copies.
pub fn variable(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the program, which stays.
    match unsafe { defined(first()?, name, hash(name.to_bytes()), VARIABLE) } {
        Some(found) => found.ok(),
        None => behind_own(name, VARIABLE),
    }
}

/// The loader's record of the program.
#[cfg(target_env = "gnu")]
fn first() -> Option<&'static Record> {
    // SAFETY: the loader has filled it in before it runs any code.
    unsafe { (&raw const DEBUG.first).read().as_ref() }
}

/// musl's loader tells debuggers in another way; and its `dlsym` for a name that there is forgets nothing.
#[cfg(not(target_env = "gnu"))]
fn first() -> Option<&'static Record> {
    None
}

/// What the first object behind this one that has the name defines it as.
fn behind_own(name: &CStr, kind: u8) -> Option<*mut c_void> {
    let mut record = first()?;
    while record.base != own::base() {
        // SAFETY: those before this library are the program and what is preloaded: they stay.
        record = unsafe { record.next.as_ref() }?;
    }
    let hash = hash(name.to_bytes());
    loop {
        // SAFETY: the C library is behind this one, and none up to it is ever unloaded.
        record = unsafe { record.next.as_ref() }?;
        // SAFETY: of an object that stays.
        if let Some(found) = unsafe { defined(record, name, hash, kind) } {
            return found.ok();
        }
        // SAFETY: the loader's own.
        let path = (!record.name.is_null()).then(|| unsafe { CStr::from_ptr(record.name) });
        let path = path.map_or(&b""[..], CStr::to_bytes);
        if path.rsplit(|&byte| byte == b'/').next().is_some_and(|name| name.starts_with(LIBC)) {
            return None;
        }
    }
}

/// Not to be found by this way.
struct Strange;

fn hash(name: &[u8]) -> u32 {
    name.iter().fold(5381, |hash: u32, &byte| hash.wrapping_mul(33).wrapping_add(byte.into()))
}

/// What an object defines a name as, if it does: of this kind.
///
/// # Safety
/// The object stays loaded.
unsafe fn defined(
    record: &Record,
    name: &CStr,
    wanted: u32,
    of_kind: u8,
) -> Option<Result<*mut c_void, Strange>> {
    let mut found = [0; 4];
    let mut entry = record.dynamic;
    // SAFETY: an array of entries that ends with one of kind 0.
    while let Some(&[kind, value]) = unsafe { entry.as_ref() }.filter(|entry| entry[0] != 0) {
        let kinds = [STRINGS, SYMBOLS, HASH, VERSIONS].into_iter().zip(&mut found);
        kinds.filter(|(wanted, _)| *wanted == kind).for_each(|(_, place)| *place = value);
        // SAFETY: it was not the last.
        entry = unsafe { entry.add(1) };
    }
    // The loader has made addresses of them, where it can write.
    let address = |value| if value < record.base { value + record.base } else { value };
    let [strings, symbols, table, versions] = found;
    if strings == 0 || symbols == 0 || table == 0 {
        return Some(Err(Strange));
    }
    let (strings, symbols, table) = (address(strings), address(symbols), address(table));
    // SAFETY: the table begins with four words; behind them the filter's, of 64 bits, and a word for each bucket.
    let [buckets, first, filter, _] = unsafe { (table as *const [u32; 4]).read() };
    let heads = table + 16 + 8 * filter as usize;
    let chains = heads + 4 * buckets as usize;
    // SAFETY: a place in the buckets.
    let head = unsafe { word(heads, wanted.checked_rem(buckets)?) };
    let mut number = head;
    while number >= first.max(1) {
        // SAFETY: from a bucket's head on each symbol has a word, up to one whose last bit is set.
        let hash = unsafe { word(chains, number - first) };
        if hash | 1 == wanted | 1 {
            // SAFETY: a symbol of the table, whose name is in the strings.
            let symbol = unsafe { &*(symbols as *const libc::Elf64_Sym).add(number as usize) };
            // SAFETY: as above.
            let text = unsafe { CStr::from_ptr((strings + symbol.st_name as usize) as *const _) };
            // SAFETY: where there are versions, each symbol has one.
            let hidden = versions != 0
                && unsafe { (address(versions) as *const u16).add(number as usize).read() }
                    & HIDDEN
                    != 0;
            if text == name && !hidden && symbol.st_shndx != 0 {
                let plain = symbol.st_info & 15 == of_kind;
                let place = record.base.wrapping_add(symbol.st_value as usize);
                return Some(if plain { Ok(place as *mut c_void) } else { Err(Strange) });
            }
        }
        if hash & 1 != 0 {
            break;
        }
        number += 1;
    }
    None
}

/// One of the words of 32 bits that begin at `start`.
///
/// # Safety
/// It has so many.
unsafe fn word(start: usize, place: u32) -> u32 {
    // SAFETY: the caller's.
    unsafe { (start as *const u32).add(place as usize).read() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_where_dlsym_finds_it() {
        for name in [c"__libc_single_threaded", c"environ", c"there is no such name"] {
            // SAFETY: a C string.
            let wanted = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
            let found = variable(name).unwrap_or(std::ptr::null_mut());
            assert_eq!(found, wanted, "{name:?}");
        }
        assert_eq!(variable(c"open"), None, "it is a function");
    }
}
