//! Whether programs see a tree: with the library in them, and without.
//!
//! The tree is a workspace that lies in the scratch directory, of which nothing is on the disk any more. So what a program
//! reads there it has from the workspace, or not at all.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use super::check::Check;
use super::child::{self, Said};
use super::scratch::Scratch;
use crate::error::{Error, Result};
use crate::output::names;
use crate::run;

/// The workspace.
pub const WORKSPACE: &str = "doctor";

/// `vrift` with these arguments, in the workspace's directory.
pub fn vrift<I>(scratch: &Scratch, arguments: I) -> Result<Said>
where
    I: IntoIterator<Item: AsRef<OsStr>>,
{
    let own = std::env::current_exe()
        .map_err(|error| Error::failed("cannot find this executable").caused_by(error))?;
    let mut command = Command::new(own);
    child::run(scratch, command.args(arguments).current_dir(scratch.path("project")))
}

/// Runs something in the workspace.
pub fn inside<I>(scratch: &Scratch, words: I) -> Result<Said>
where
    I: IntoIterator<Item: AsRef<OsStr>>,
{
    let head = ["run", "-w", WORKSPACE, "--"].map(OsStr::new).map(OsStr::to_owned);
    let words = words.into_iter().map(|word| word.as_ref().to_owned());
    vrift(scratch, head.into_iter().chain(words))
}

/// Makes the workspace of what is in the directory. The error is what is wrong.
pub fn ingest(scratch: &Scratch) -> Result<Result<(), Check>> {
    scratch.file("project/seen", b"seen\n")?;
    let inside = scratch.path("project/inside");
    fs::create_dir(&inside).map_err(|error| Error::at("create", &inside, error))?;
    scratch.file("project/inside/below", b"below\n")?;
    #[cfg(target_arch = "x86_64")]
    {
        let path = scratch.file("project/static", &static_program())?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, mode).map_err(|error| Error::at("change", &path, error))?;
    }
    let said = vrift(scratch, ["ingest", ".", "--name", WORKSPACE])?;
    Ok(match said.is_good() {
        true => Ok(()),
        false => Err(Check::fails(
            "workspace",
            format!("none can be made: {}", said.why()),
            "nothing can be run in a workspace",
        )),
    })
}

/// Takes everything off the disk.
pub fn empty(scratch: &Scratch) -> Result<()> {
    let project = scratch.path("project");
    let failed = |error| Error::at("remove what is in", &project, error);
    for entry in fs::read_dir(&project).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        }
        .map_err(failed)?;
    }
    Ok(())
}

/// Whether an ordinary program takes the library that `vrift run` gives it, and sees the tree by it.
pub fn preloaded(scratch: &Scratch) -> Result<Check> {
    const NAME: &str = "preloading";
    const MEANS: &str =
        "`vrift run` cannot run anything; what is in workspaces can be looked at and exported";
    let library = match run::library() {
        Ok(library) => library,
        Err(error) => return Ok(Check::fails(NAME, error.to_string(), MEANS)),
    };
    let script = "read -r line <seen && echo \"$line\" >written && echo \"$line\"";
    let said = inside(scratch, ["/bin/sh", "-c", script])?;
    let written = vrift(scratch, ["cat", &format!("{WORKSPACE}:written")])?;
    let on_disk = scratch.path("project/written").exists();
    Ok(match said.is_good() && said.out == b"seen\n" {
        _ if on_disk => {
            Check::fails(NAME, "what a program wrote in a workspace lies on the disk", MEANS)
        }
        true if written.out == b"seen\n" => Check::works(
            NAME,
            format!("a program read and wrote in a workspace by '{}'", names::path(&library)),
        ),
        true => {
            Check::fails(NAME, format!("what a program wrote is lost: {}", written.why()), MEANS)
        }
        false => {
            Check::fails(NAME, format!("a program does not see a workspace: {}", said.why()), MEANS)
        }
    })
}

/// Whether a program that asks the kernel by itself is answered.
#[cfg(target_arch = "x86_64")]
pub fn answered(scratch: &Scratch) -> Result<Vec<Check>> {
    const TOLD: &str = "user-notify";
    const STOPPED: &str = "ptrace";
    const MEANS: &str = "static programs, Go's and those of another C library do not see workspaces: `vrift run` does \
                         not start them in one";
    let said = inside(scratch, ["./static"])?;
    let sandbox = match is_filtered() {
        true => " (this process is in a sandbox with a seccomp filter)",
        false => "",
    };
    let made = vrift(scratch, ["cat", &format!("{WORKSPACE}:made")])?;
    if !said.out.starts_with(b"seen\n") || made.out != b"made\0" {
        let found = format!("a static program is not answered: {}{sandbox}", said.why());
        return Ok(vec![
            Check::missing(TOLD, found, MEANS),
            Check::skipped(STOPPED, "it is needed for what user-notify tells of"),
        ]);
    }
    let told = Check::works(TOLD, "a static program read and wrote in a workspace");
    let stopped = match said.is_good() && said.out == b"seen\nbelow\n" {
        true => Check::works(STOPPED, "a static program changed into a directory of a workspace"),
        false => {
            let why = match said.code {
                Some(errno @ 1..) => std::io::Error::from_raw_os_error(errno).to_string(),
                _ => said.why(),
            };
            Check::missing(
                STOPPED,
                format!("a static program cannot be stopped for a moment: {why}{sandbox}"),
                "static programs, and Go's, read and write in workspaces, but cannot change into their directories or \
                 execute their programs (EACCES)",
            )
        }
    };
    Ok(vec![told, stopped])
}

/// Elsewhere there is nothing to try.
#[cfg(not(target_arch = "x86_64"))]
pub fn answered(_: &Scratch) -> Result<Vec<Check>> {
    Ok(vec![Check::skipped(
        "user-notify",
        "static programs, and Go's, are answered on x86-64 only: here they do not see workspaces",
    )])
}

/// Whether a seccomp filter is in force in this process.
#[cfg(target_arch = "x86_64")]
fn is_filtered() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.split_whitespace().eq(["Seccomp:", "2"]))
}

/// A static program, so that it needs no compiler: it shows the file `seen`, writes `made`, changes into the directory
/// `inside`, shows `below` there, and ends with 0, or with the errno of the first call that failed.
#[cfg(target_arch = "x86_64")]
fn static_program() -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    let length = HEADERS + CODE.len() as u64;
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // An executable for x86-64, its entry, one segment, and no sections.
    bytes.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    [BASE + HEADERS, 64, 0].iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 0, 0, 0, 0]);
    // Loaded whole, to be read and executed.
    bytes.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    [0, BASE, BASE, length, length, 4096].iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    bytes.extend(CODE);
    bytes
}

/// Its instructions, and behind them the names, each with a zero.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const CODE: &[u8] = &[
    0x48, 0x8d, 0x3d, 0xa3, 0, 0, 0,    // lea rdi, [seen]
    0x31, 0xf6,                         // xor esi, esi
    0xe8, 0x65, 0, 0, 0,                // call show
    0x48, 0x8d, 0x3d, 0x9a, 0, 0, 0,    // lea rdi, [made]
    0xbe, 0x41, 0, 0, 0,                // mov esi, O_CREAT | O_WRONLY
    0xba, 0xa4, 1, 0, 0,                // mov edx, 0644
    0xb8, 2, 0, 0, 0,                   // mov eax, open
    0xe8, 0x73, 0, 0, 0,                // call ask
    0x89, 0xc7,                         // mov edi, eax
    0x48, 0x8d, 0x35, 0x7d, 0, 0, 0,    // lea rsi, [made]
    0xba, 5, 0, 0, 0,                   // mov edx, 5
    0xb8, 1, 0, 0, 0,                   // mov eax, write
    0xe8, 0x5b, 0, 0, 0,                // call ask
    0xb8, 3, 0, 0, 0,                   // mov eax, close
    0xe8, 0x51, 0, 0, 0,                // call ask
    0x48, 0x8d, 0x3d, 0x62, 0, 0, 0,    // lea rdi, [inside]
    0xb8, 0x50, 0, 0, 0,                // mov eax, chdir
    0xe8, 0x40, 0, 0, 0,                // call ask
    0x48, 0x8d, 0x3d, 0x58, 0, 0, 0,    // lea rdi, [below]
    0x31, 0xf6,                         // xor esi, esi
    0xe8, 9, 0, 0, 0,                   // call show
    0x31, 0xff,                         // xor edi, edi
    0xb8, 0x3c, 0, 0, 0,                // end: mov eax, exit
    0x0f, 5,                            // syscall
    0xb8, 2, 0, 0, 0,                   // show: mov eax, open
    0xe8, 0x1f, 0, 0, 0,                // call ask
    0x89, 0xc7,                         // mov edi, eax
    0x48, 0x8d, 0x74, 0x24, 0x80,       // lea rsi, [rsp - 128]
    0xba, 0x40, 0, 0, 0,                // mov edx, 64
    0x31, 0xc0,                         // xor eax, eax: read
    0xe8, 0x0c, 0, 0, 0,                // call ask
    0x89, 0xc2,                         // mov edx, eax
    0xbf, 1, 0, 0, 0,                   // mov edi, 1
    0xb8, 1, 0, 0, 0,                   // mov eax, write
    0x0f, 5,                            // ask: syscall
    0x48, 0x85, 0xc0,                   // test rax, rax
    0x78, 1,                            // js failed
    0xc3,                               // ret
    0xf7, 0xd8,                         // failed: neg eax
    0x89, 0xc7,                         // mov edi, eax
    0xeb, 0xc2,                         // jmp end
    b's', b'e', b'e', b'n', 0,
    b'm', b'a', b'd', b'e', 0,
    b'i', b'n', b's', b'i', b'd', b'e', 0,
    b'b', b'e', b'l', b'o', b'w', 0,
];
