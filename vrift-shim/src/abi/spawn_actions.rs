//! The actions of posix_spawn. What libc keeps of them is its own business; so each is noted here as well when it is added,
//! in a list whose address is kept in the object's reserve.

use std::ffi::{CStr, c_int, c_void};

use libc::posix_spawn_file_actions_t as Object;
use rustix::io::Errno;

use super::args::CPath;
use crate::sys::next::Next;
use crate::vfs::session;
use crate::vfs::spawn::Action;

/// The program's object, or null.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Actions(*mut Object);

/// What the last two words of an object are, if the list is there: libc leaves them zero.
#[repr(C)]
struct Reserve {
    mark: usize,
    list: *mut Vec<Action>,
}

/// Says, with the object's address, that the reserve was filled in here.
const MARK: usize = 0x7672_6966_7473_7061;

/// What is known of an object.
pub enum Recorded<'a> {
    /// No actions, or none that were seen.
    Nothing,
    /// All of them.
    All(&'a [Action]),
}

impl Actions {
    fn reserve(self) -> Option<*mut Reserve> {
        let behind = self.0.wrapping_add(1).cast::<Reserve>();
        (!self.0.is_null()).then(|| behind.wrapping_sub(1))
    }

    fn mark(self) -> usize {
        MARK ^ self.0 as usize
    }

    /// The list, if there is one.
    fn list(self) -> Option<*mut Vec<Action>> {
        let reserve = self.reserve()?;
        // SAFETY: inside the program's object, whose size is a multiple of a word's.
        let Reserve { mark, list } = unsafe { reserve.read() };
        (mark == self.mark() && !list.is_null()).then_some(list)
    }

    fn set(self, mark: usize, list: *mut Vec<Action>) {
        if let Some(reserve) = self.reserve() {
            // SAFETY: as above.
            unsafe { reserve.write(Reserve { mark, list }) };
        }
    }

    fn add(self, action: Action) {
        let list = self.list().unwrap_or_else(|| {
            let list = Box::into_raw(Box::new(Vec::new()));
            self.set(self.mark(), list);
            list
        });
        // SAFETY: made by this function and freed only with the object, of which one thread at a time makes use.
        unsafe { &mut *list }.push(action);
    }

    fn forget(self) {
        if let Some(list) = self.list() {
            self.set(0, std::ptr::null_mut());
            // SAFETY: made by `add`, and nobody finds it any more.
            drop(unsafe { Box::from_raw(list) });
        }
    }
}

/// What was added to an object.
pub fn recorded<'a>(actions: Actions) -> Recorded<'a> {
    match actions.list() {
        // SAFETY: as in `add`; the object is not changed while it is in use.
        Some(list) => Recorded::All(unsafe { &*list }),
        None => Recorded::Nothing,
    }
}

hook! {
    /// posix_spawn_file_actions_init(3)
    real => fn posix_spawn_file_actions_init(actions: Actions) -> c_int {
        let result = real(actions);
        if result == 0 {
            actions.set(0, std::ptr::null_mut());
        }
        result
    }
}

hook! {
    /// posix_spawn_file_actions_destroy(3)
    real => fn posix_spawn_file_actions_destroy(actions: Actions) -> c_int {
        actions.forget();
        real(actions)
    }
}

/// Defines a call that adds an action.
macro_rules! adds {
    ($($name:ident($($arg:ident: $type:ty),*) $action:expr;)*) => {$(
        hook! {
            /// Adds an action.
            real => fn $name(actions: Actions, $($arg: $type),*) -> c_int {
                let result = real(actions, $($arg),*);
                if result == 0 && session::given().is_some() {
                    actions.add($action);
                }
                result
            }
        }
    )*};
}

fn text(path: CPath) -> std::ffi::CString {
    path.c_str().map(CStr::to_owned).unwrap_or_default()
}

adds! {
    posix_spawn_file_actions_addclose(descriptor: c_int) Action::Close(descriptor);
    posix_spawn_file_actions_adddup2(old: c_int, new: c_int) Action::Duplicate(old, new);
    posix_spawn_file_actions_addopen(descriptor: c_int, path: CPath, flags: c_int, mode: u32)
        Action::Open { descriptor, path: text(path), flags, mode };
    posix_spawn_file_actions_addchdir_np(path: CPath) Action::Enter(text(path));
    posix_spawn_file_actions_addfchdir_np(descriptor: c_int) Action::EnterDescriptor(descriptor);
    posix_spawn_file_actions_addclosefrom_np(first: c_int) Action::CloseFrom(first);
    posix_spawn_file_actions_addtcsetpgrp_np(descriptor: c_int) Action::Foreground(descriptor);
}

/// A next definition that takes what `$type` says.
macro_rules! next {
    ($name:literal, fn($($type:ty),*)) => {{
        static NEXT: Next = Next::new();
        // SAFETY: the next definition of a name of libc has the name's signature; the wrappers are transparent.
        unsafe {
            core::mem::transmute::<*mut c_void, extern "C" fn($($type),*) -> c_int>(NEXT.get($name))
        }
    }};
}

fn tell(actions: Actions, action: &Action) -> c_int {
    match action {
        Action::Close(one) => {
            next!(c"posix_spawn_file_actions_addclose", fn(Actions, c_int))(actions, *one)
        }
        Action::Duplicate(old, new) => {
            let next = next!(c"posix_spawn_file_actions_adddup2", fn(Actions, c_int, c_int));
            next(actions, *old, *new)
        }
        Action::Open { descriptor, path, flags, mode } => {
            let next =
                next!(c"posix_spawn_file_actions_addopen", fn(Actions, c_int, CPath, c_int, u32));
            next(actions, *descriptor, CPath::of(path), *flags, *mode)
        }
        Action::Enter(path) => {
            let next = next!(c"posix_spawn_file_actions_addchdir_np", fn(Actions, CPath));
            next(actions, CPath::of(path))
        }
        Action::EnterDescriptor(one) => {
            next!(c"posix_spawn_file_actions_addfchdir_np", fn(Actions, c_int))(actions, *one)
        }
        Action::CloseFrom(first) => {
            next!(c"posix_spawn_file_actions_addclosefrom_np", fn(Actions, c_int))(actions, *first)
        }
        Action::Foreground(one) => {
            next!(c"posix_spawn_file_actions_addtcsetpgrp_np", fn(Actions, c_int))(actions, *one)
        }
    }
}

/// Calls `work` with an object that says these actions.
pub fn with<R>(list: &[Action], work: impl FnOnce(Actions) -> R) -> Result<R, Errno> {
    let mut object = std::mem::MaybeUninit::<Object>::zeroed();
    let actions = Actions(object.as_mut_ptr());
    let told = match next!(c"posix_spawn_file_actions_init", fn(Actions))(actions) {
        0 => list.iter().map(|action| tell(actions, action)).find(|&result| result != 0),
        failed => return Err(Errno::from_raw_os_error(failed)),
    };
    let result = match told {
        None => Ok(work(actions)),
        Some(failed) => Err(Errno::from_raw_os_error(failed)),
    };
    next!(c"posix_spawn_file_actions_destroy", fn(Actions))(actions);
    result
}
