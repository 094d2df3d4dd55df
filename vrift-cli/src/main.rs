//! The `vrift` command.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    vrift_cli::stack::with_room(vrift_cli::main).into()
}
