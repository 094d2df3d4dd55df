//! Other processes: this test binary again, told by its environment what to do.

use std::path::Path;
use std::process::{Child, Command};

use vrift_cas::Store;

use crate::support::noise;

/// A process that will do `role` in the store at `root`.
pub fn child(role: &str, root: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child::does_what_the_environment_says", "--exact", "--nocapture", "--quiet"]);
    command.env("VRIFT_CAS_ROLE", role).env("VRIFT_CAS_ROOT", root);
    command.stdout(std::process::Stdio::null());
    command
}

/// A process that does not outlive its test, should that fail.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command) -> Running {
        Running(command.spawn().unwrap())
    }

    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub fn succeeds(mut self) -> bool {
        self.0.wait().unwrap().success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn does_what_the_environment_says() {
    let Ok(role) = std::env::var("VRIFT_CAS_ROLE") else { return };
    let root = std::env::var_os("VRIFT_CAS_ROOT").unwrap();
    let root = Path::new(&root);
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    match role.as_str() {
        "put forever" => {
            let store = Store::open(root).unwrap();
            let seed = number("VRIFT_CAS_SEED");
            for count in 0.. {
                put_one(&store, seed + count);
            }
        }
        "put many" => {
            let store = Store::create_or_open(root).unwrap();
            // Half of them are the same in all processes.
            for count in 0..200 {
                put_one(&store, count);
                put_one(&store, (number("VRIFT_CAS_SEED") << 32) + count);
            }
        }
        "work forever" => {
            let store = Store::open(root).unwrap();
            let _work = store.begin().unwrap();
            std::fs::write(root.with_extension("begun"), "").unwrap();
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        "put under a strict umask" => {
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o777));
            let store = Store::create_or_open(root).unwrap();
            store.put_bytes(b"strict").unwrap();
            drop(store.begin().unwrap());
            store.sync().unwrap();
        }
        "put two mebibytes" => {
            let store = Store::open(root).unwrap();
            let error = store.put_reader(&mut noise(1, 2 << 20).as_slice()).unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, vrift_cas::StoreError::Full { .. }), "{error:?}");
            assert!(text.contains("write") && text.contains("staging"), "{text}");
            store.put_bytes(b"small enough").unwrap();
        }
        "put and be denied" => {
            let store = Store::open(root).unwrap();
            let error = store.put_bytes(b"new content").unwrap_err();
            assert!(matches!(error, vrift_cas::StoreError::Denied { .. }), "{error:?}");
            assert!(error.to_string().contains("blobs"), "{error}");
        }
        "go on as the owner" => {
            let store = Store::open(root).unwrap();
            for seed in 0..300 {
                put_one(&store, seed);
            }
            let _ = store.begin().unwrap();
            store.sync().unwrap();
            let none = &mut || Ok::<_, std::io::Error>(Default::default());
            let options = vrift_cas::GcOptions { grace: Default::default(), dry_run: false };
            assert!(store.gc(&options, none).unwrap().moved >= 300);
            assert!(store.gc(&options, none).unwrap().purged >= 300);
        }
        other => panic!("no role is called '{other}'"),
    }
}

/// Small and large content, by all three ways.
pub fn put_one(store: &Store, seed: u64) {
    let length = if seed.is_multiple_of(16) { (1 << 20) + 5000 } else { (seed % 7000) as usize };
    let bytes = noise(seed, length);
    let put = match seed % 2 {
        0 => store.put_reader(&mut bytes.as_slice()),
        _ => store.put_bytes(&bytes),
    };
    assert_eq!(put.unwrap().size, bytes.len() as u64);
}
