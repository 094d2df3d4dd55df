//! Links the unwinder into the library instead of naming libgcc_s as needed: loading that costs every process of every
//! build more than the rest of the library together.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Before the constructors of other libraries, which may call what is hooked.
    println!("cargo:rustc-link-arg-cdylib=-Wl,-z,initfirst");
    println!("cargo:rustc-link-arg-cdylib=-Wl,-z,nodelete");
    let musl = std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|name| name == "musl");
    if !musl {
        // musl's loader knows these from 1.2.4 on only.
        println!("cargo:rustc-link-arg-cdylib=-Wl,-z,pack-relative-relocs");
    }
    // Two mappings and a change of protection less in every process.
    println!("cargo:rustc-link-arg-cdylib=-Wl,-z,norelro");
    lay_out();
    // Nor what C's own start files would do at the start and the end: the library is never unloaded.
    println!("cargo:rustc-link-arg-cdylib=-nostartfiles");
    // The library's own names are its own: nothing to look up at the start, and no other library's in their place.
    println!("cargo:rustc-link-arg-cdylib=-Wl,-Bsymbolic-functions");
    // A library of ours defines a name for its own C code, where that is (blake3 on aarch64): it is nobody else's.
    println!("cargo:rustc-link-arg-cdylib=-Wl,--exclude-libs,ALL");
    let asked = Command::new(compiler()).arg("-print-file-name=libgcc_eh.a").output();
    let Ok(asked) = asked else { return };
    let printed = String::from_utf8_lossy(&asked.stdout);
    let archive = Path::new(printed.trim());
    if let Some(directory) = archive.parent().filter(|_| archive.is_absolute() && archive.exists())
    {
        println!("cargo:rustc-link-search=native={}", directory.display());
        println!("cargo:rustc-link-lib=static=gcc_eh");
        // Asked for at once: the linker of binutils takes what it needs in the order of the libraries, and this one comes
        // before what needs it.
        println!("cargo:rustc-link-arg-cdylib=-Wl,-u,_Unwind_Resume");
    }
}

/// The C compiler that knows the target's archives. Where another machine is built for, cargo was told what links for it.
fn compiler() -> String {
    let variable = |name: &str| std::env::var(name).ok();
    let linker = match variable("TARGET") == variable("HOST") {
        true => None,
        false => variable("RUSTC_LINKER"),
    };
    linker.or_else(|| variable("CC")).unwrap_or_else(|| "cc".to_owned())
}

/// Code and constants in one segment, the rest in another, what is needed at the start close together in both. Another linker
/// than those that are there by themselves need not know a word of this.
fn lay_out() {
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    if std::env::var_os("RUSTC_LINKER").is_some() || flags.contains("link") {
        println!("cargo:rustc-link-arg-cdylib=-Wl,-z,noseparate-code");
        return;
    }
    match layout() {
        Ok(script) => println!("cargo:rustc-link-arg-cdylib=-Wl,-T,{}", script.display()),
        Err(error) => println!("cargo:warning=the library is laid out as it comes: {error}"),
    }
    // The compiler's own linker, which links for this target, and that of binutils say the first differently. The dynamic
    // section is not written to, and data begins with a page: one page less to be filled with addresses.
    let options = match std::env::var("TARGET").as_deref() {
        Ok("x86_64-unknown-linux-gnu") => {
            ["--no-rosegment", "-z,separate-loadable-segments", "-z,rodynamic"].as_slice()
        }
        _ => &["-z,noseparate-code"],
    };
    for option in options {
        println!("cargo:rustc-link-arg-cdylib=-Wl,{option}");
    }
}

/// The script for the linker: what is written by hand, and before all other code what most processes run, in that order.
fn layout() -> std::io::Result<PathBuf> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut script = String::new();
    for name in ["layout.ld", "hot-code.txt"] {
        println!("cargo:rerun-if-changed={name}");
    }
    script.push_str(&std::fs::read_to_string(sources.join("layout.ld"))?);
    // Not in a section of its own: valgrind knows functions of `.text` only.
    script.push_str("SECTIONS\n{\n  .text :\n  {\n");
    for name in std::fs::read_to_string(sources.join("hot-code.txt"))?.lines() {
        if !name.starts_with('#') {
            // A name that the compiler has met more than once has a number behind it.
            script.push_str(&format!(
                "    *(.text.{name} .text.{name}.[0-9]* .text.unlikely.{name} .text.unlikely.{name}.[0-9]*)\n"
            ));
        }
    }
    script.push_str("    *(.text .text.*)\n  }\n}\nINSERT AFTER .eh_frame;\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("layout.ld");
    std::fs::write(&out, script)?;
    Ok(out)
}
