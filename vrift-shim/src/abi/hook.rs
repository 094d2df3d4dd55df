//! The frame of every hook.

/// Defines a name of libc. `$real` is its next definition, with the same signature.
///
/// The frame is the same for all: a call that comes from work of our own goes on to the next definition. What is rare in it
/// is out of line, so that all else is two loads and a jump to the body.
// SAFETY (of the attribute): being called by libc's name is what this is for, and the signature is that of C.
macro_rules! hook {
    ($(#[$note:meta])* $real:ident => fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $result:ty $body:block) => {
        $(#[$note])*
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($arg: $type),*) -> $result {
            type Function = extern "C" fn($($type),*) -> $result;
            static NEXT: crate::sys::next::Next = crate::sys::next::Next::new();
            const NAME: &core::ffi::CStr =
                match core::ffi::CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => c"",
                };
            fn definition(next: *mut core::ffi::c_void) -> Function {
                // SAFETY: the next definition of a name of libc has the name's signature; the argument types are those
                // of the C prototype or transparent wrappers of them.
                unsafe { core::mem::transmute::<*mut core::ffi::c_void, Function>(next) }
            }
            #[allow(clippy::too_many_arguments, reason = "they are libc's, and one more")]
            fn body($real: Function, $($arg: $type),*) -> $result $body
            // Not looked up yet, or some thread does work of our own.
            #[cold]
            #[inline(never)]
            extern "C" fn unusual($($arg: $type),*) -> $result {
                let next = definition(NEXT.get(NAME));
                if crate::sys::gate::is_inside() { next($($arg),*) } else { body(next, $($arg),*) }
            }
            match NEXT.known() {
                Some(next) if !crate::sys::gate::is_anybody_inside() => body(definition(next), $($arg),*),
                _ => unusual($($arg),*),
            }
        }
    };
}

/// Defines further spellings of a name, of the same signature: one body for a family. The next definition is that of
/// the spelling.
macro_rules! spellings {
    ($body:path: fn($($arg:ident: $type:ty),*) -> $result:ty:) => {};
    ($body:path: fn($($arg:ident: $type:ty),*) -> $result:ty: $name:ident $(, $more:ident)*) => {
        hook! {
            /// A spelling.
            real => fn $name($($arg: $type),*) -> $result { $body(real, $($arg),*) }
        }
        spellings!($body: fn($($arg: $type),*) -> $result: $($more),*);
    };
}
