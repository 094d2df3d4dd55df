//! System calls of the library fail, one at a time, under a compiler, an archiver, a linker and make: a full disk, no
//! descriptors, no memory, a disk that does not read. The program succeeds, or says what the disk had: it never dies of
//! a signal, never takes one file for another, and what it made is right or not there. The store stays whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use vrift_tests::traced::{Act, End, Stop, Whom};

use super::scene::Scene;
use super::{one_in, seed};

/// How a call may fail.
fn faults(stop: &Stop) -> &'static [Errno] {
    use Errno::*;
    match stop.number {
        libc::SYS_openat | libc::SYS_open | libc::SYS_openat2 => {
            &[EMFILE, ENOSPC, EIO, ENOMEM, EINTR]
        }
        libc::SYS_mmap => &[ENOMEM],
        libc::SYS_read | libc::SYS_pread64 => &[EIO, EINTR],
        libc::SYS_write | libc::SYS_pwrite64 => &[ENOSPC, EIO, EINTR],
        libc::SYS_fstat | libc::SYS_newfstatat | libc::SYS_statx | libc::SYS_stat => &[EIO, ENOMEM],
        // The other things that it does for the library cannot fail.
        libc::SYS_fcntl if stop.second == libc::F_SETLEASE as u64 => &[ENOMEM, EAGAIN],
        libc::SYS_linkat | libc::SYS_link => &[ENOSPC, EIO, EMLINK],
        libc::SYS_rename | libc::SYS_renameat | libc::SYS_renameat2 => &[ENOSPC, EIO],
        libc::SYS_mkdir | libc::SYS_mkdirat => &[ENOSPC, EDQUOT],
        libc::SYS_unlink | libc::SYS_unlinkat | libc::SYS_fchmod => &[EIO],
        libc::SYS_utimensat | libc::SYS_getdents64 => &[EIO],
        libc::SYS_fsync | libc::SYS_fdatasync | libc::SYS_syncfs => &[EIO, ENOSPC],
        libc::SYS_ftruncate | libc::SYS_close => &[EIO, EINTR],
        libc::SYS_fallocate => &[ENOSPC, EIO, EINTR, EOPNOTSUPP],
        libc::SYS_copy_file_range | libc::SYS_sendfile => &[ENOSPC, EIO],
        libc::SYS_readlink | libc::SYS_readlinkat | libc::SYS_getcwd => &[ENOMEM, EIO],
        libc::SYS_execve => &[ENOMEM, EIO],
        libc::SYS_clone | libc::SYS_vfork | libc::SYS_fork => &[EAGAIN, ENOMEM],
        libc::SYS_dup | libc::SYS_dup3 => &[EMFILE],
        libc::SYS_futex | libc::SYS_getrandom => &[EINTR],
        libc::SYS_ioctl => &[ENOTTY],
        _ => &[],
    }
}

/// Sources of which each header is there twice: who takes the second one has been told that the first is not there.
pub fn plant_sources(directory: &Path) {
    let files = [
        (
            "a.c",
            "#include \"part.h\"\n#include \"deep/more.h\"\nint a(void) { return PART + MORE; }\n",
        ),
        ("b.c", "#include \"part.h\"\nint a(void);\nint main(void) { return a() - PART; }\n"),
        ("first/part.h", "#define PART 1\n"),
        ("second/part.h", "#define PART 2\n#error the first was there\n"),
        ("first/deep/more.h", "#define MORE 3\n"),
        ("second/deep/more.h", "#define MORE 4\n#error the first was there\n"),
        (
            "Makefile",
            "FLAGS = -O1 -Ifirst -Isecond\nall: program lib.a\n\
             %.o: %.c first/part.h first/deep/more.h\n\tgcc $(FLAGS) -c $< -o $@\n\
             program: a.o b.o\n\tgcc a.o b.o -o $@\nlib.a: a.o b.o\n\tar rcs $@ a.o b.o\n",
        ),
    ];
    for (name, text) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
}

/// What is run, what has to be made before, and what comes of it.
struct Build {
    name: &'static str,
    before: &'static str,
    words: &'static str,
    makes: &'static [&'static str],
    /// It says why it fails. ar and make have a text of their own for some errors, and make looks for another rule where
    /// it cannot look into a directory, on any disk.
    says_why: bool,
}

const COMPILE: &str = "cd IN && gcc -O1 -Ifirst -Isecond -c a.c && gcc -O1 -Ifirst -Isecond -c b.c";

const BUILDS: &[Build] = &[
    Build {
        name: "gcc",
        before: "true",
        words: "gcc -O1 -IIN/first -IIN/second -c IN/a.c -o IN/a.o",
        makes: &["a.o"],
        says_why: true,
    },
    Build {
        name: "ar",
        before: COMPILE,
        words: "ar rcs IN/lib.a IN/a.o IN/b.o",
        makes: &["lib.a"],
        says_why: false,
    },
    Build {
        name: "ar-again",
        before: "cd IN && gcc -O1 -Ifirst -Isecond -c a.c && gcc -O1 -Ifirst -Isecond -c b.c && ar rcs lib.a a.o && ar rcs lib.a b.o",
        words: "ar rcs IN/lib.a IN/a.o IN/b.o",
        makes: &["lib.a"],
        says_why: false,
    },
    Build {
        name: "ld",
        before: COMPILE,
        words: "ld -r -o IN/all.o IN/a.o IN/b.o",
        makes: &["all.o"],
        says_why: true,
    },
    Build {
        name: "make",
        before: "true",
        words: "make -s -C IN",
        makes: &["a.o", "b.o", "lib.a", "program"],
        says_why: false,
    },
];

fn said_by_a_disk(said: &str) -> bool {
    let reasons = [
        "Input/output error",
        "No space left on device",
        "Too many open files",
        "Cannot allocate memory",
        "virtual memory exhausted",
        "Interrupted system call",
        "Disk quota exceeded",
        "Resource temporarily unavailable",
        "Too many links",
    ];
    reasons.iter().any(|reason| said.contains(reason))
}

/// A fault: the which-th call of the library, of all its processes together, and how it fails.
struct Fault {
    at: usize,
    number: i64,
    errno: Errno,
}

struct Trial<'a> {
    build: &'a Build,
    right: BTreeMap<&'static str, Vec<u8>>,
}

/// What ar writes to a new archive at first, and leaves there if it cannot copy the rest.
const BEGUN: &[u8] = b"!<arch>\n";

fn words(text: &str, directory: &Path) -> Vec<String> {
    let directory = directory.to_string_lossy();
    text.split(' ').map(|word| word.replace("IN", &directory)).collect()
}

fn prepare(scene: &mut Scene, build: &Build) -> usize {
    let number = scene.next();
    let before = build.before.replace("IN", &scene.inside(number).to_string_lossy());
    scene.ok(&["sh", "-c", &before]);
    number
}

impl Trial<'_> {
    /// What there is of what the build makes.
    fn made(&self, scene: &Scene, number: usize, place: &str) -> BTreeMap<&'static str, Vec<u8>> {
        let mut found = scene.look(number, place).inside;
        let makes = self.build.makes.iter();
        makes.filter_map(|&name| Some((name, found.remove(name)?.content))).collect()
    }

    /// Why it went wrong.
    fn try_one(&self, scene: &mut Scene, fault: &Fault) -> Result<(), String> {
        let build = self.build;
        let number = prepare(scene, build);
        let before = self.made(scene, number, build.name);
        let words = words(build.words, &scene.inside(number));
        let Fault { at, number: call, errno } = fault;
        let place = format!("{}: call {at}, number {call}, {errno}", build.name);
        let (mut passed, mut failed) = (0, false);
        let traced = scene.trace(&words, Whom::All, |stop| {
            if !stop.ours || !stop.before {
                return Act::Pass;
            }
            passed += 1;
            // Processes beside each other can change the order: then it is another call, which may fail as well.
            if passed >= *at && !failed && faults(stop).contains(errno) {
                failed = true;
                return Act::Fail(*errno);
            }
            Act::Pass
        });
        let (end, said) = traced.expect("as before");
        let made = self.made(scene, number, &place);
        let wrong = |why: &str| Err(format!("{place}: {end:?}: {why}: {said}"));
        if end == End::Code(0) && made != self.right {
            return wrong("a wrong object");
        }
        let left_over = |name: &&&str| {
            let content = made.get(**name);
            let known = [self.right.get(**name), before.get(**name)];
            content.is_some_and(|content| content != BEGUN) && !known.contains(&content)
        };
        match end {
            End::Code(0) => {}
            End::Signal(_) => return wrong("ended by a signal"),
            End::Code(_) if said.is_empty() || (build.says_why && !said_by_a_disk(&said)) => {
                return wrong("not what a disk says");
            }
            End::Code(_) => {
                if let Some(name) = self.build.makes.iter().find(left_over) {
                    return wrong(&format!("a wrong {name} is left over"));
                }
            }
        }
        if one_in("VRIFT_TEST_ERRORS", 0) == 1 {
            scene.check_store(&place);
        }
        if made.values().any(|content| content == BEGUN) {
            // For make it would be new enough, on any disk.
            scene.ok(&["rm", &scene.inside(number).join("lib.a").to_string_lossy()]);
        }
        // The fault was one of the moment.
        if scene.run(&words) != Some(0) || self.made(scene, number, &place) != self.right {
            return wrong("it does not work any more");
        }
        Ok(())
    }
}

/// Tries some of the faults of a build; how many.
fn sweep(scene: &mut Scene, build: &Build, findings: &mut Vec<String>) -> usize {
    let name = build.name;
    let mut trial = Trial { build, right: BTreeMap::new() };
    let number = prepare(scene, build);
    let (mut calls, mut found) = (0, Vec::new());
    let words = words(build.words, &scene.inside(number));
    let traced = scene.trace(&words, Whom::All, |stop| {
        if stop.ours && stop.before {
            calls += 1;
            for &errno in faults(stop) {
                found.push(Fault { at: calls, number: stop.number, errno });
            }
        }
        Act::Pass
    });
    let Some((end, said)) = traced else { return 0 };
    assert_eq!(end, End::Code(0), "{name}: {said}");
    trial.right = trial.made(scene, number, name);
    assert_eq!(trial.right.len(), build.makes.len(), "{name}");
    let step = one_in("VRIFT_TEST_ERRORS", 97);
    // Which ones: with as many seeds from 0 on as one is taken of, all are.
    let start = (name.len() * 7 + seed()) % step.min(found.len());
    let mut tried = 0;
    for fault in found.iter().skip(start).step_by(step) {
        if let Err(finding) = trial.try_one(scene, fault) {
            println!("{finding}");
            findings.push(finding);
        }
        tried += 1;
    }
    println!("{name}: {tried} faults, one in {step} of {} in {calls} calls", found.len());
    tried
}

#[test]
fn compilers_and_linkers_succeed_or_fail_cleanly_whatever_call_of_the_library_fails() {
    let mut scene = Scene::of(plant_sources);
    let mut findings = Vec::new();
    let tried: usize = BUILDS.iter().map(|build| sweep(&mut scene, build, &mut findings)).sum();
    println!("\ntally\terrors\t{tried}\t{0}\t{1}-{1}", findings.len(), seed());
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
    scene.check_whole("in the end");
}
