//! How long a path of five components takes in an image, hot and at random, and how that grows with the tree.
//!
//! `cargo bench -p vrift-manifest --bench image [-- FILES ...]`. Without numbers: 10 k, 100 k and 1 M files; 10 M needs
//! about 4 GB. The trees are generated: four directories deep, 100 to 500 files each, names of 8 to 24 bytes. A walk
//! here is what a caller has to do at least: hash a name, look it up, see that it is a directory, go on.
//!
//! - **hot**: one path again and again; **/lookup**: that divided by five.
//! - **near**: random over 10,000 files of neighbouring directories, what a build of one project in the tree does.
//! - **spread**: random over 10,000 files evenly spread over the tree.
//! - **random**: random over all files: in a large tree two cache misses to memory for the last name alone.
//! - **missing**: the same directories, the last name not there. **number**: a random node number.

use std::hint::black_box;
use std::time::{Duration, Instant};

use vrift_cas::Digest;
use vrift_manifest::attributes::{Attributes, Content, Kind};
use vrift_manifest::hash::name_hash;
use vrift_manifest::image::{Builder, Handle, Image, NodeSpec};
use vrift_manifest::time::Timestamp;

const COMPONENTS: usize = 5;
/// What one build touches, of whatever tree.
const WORKING_SET: u64 = 10_000;
const RANDOM_WALKS: usize = 400_000;

fn main() {
    let mut sizes: Vec<usize> =
        std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![10_000, 100_000, 1_000_000];
    }
    println!(
        "    files    build bytes/file     open      hot  /lookup     near   spread   random  missing   number"
    );
    for size in sizes {
        measure(size);
    }
    println!("peak memory: {}", status("VmHWM"));
}

/// Paths one after another, in the order in which they are walked: reading them costs what a caller's argument costs.
#[derive(Default)]
struct Paths {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Paths {
    fn push(&mut self, names: &[Vec<u8>; COMPONENTS]) {
        for name in names {
            self.bytes.extend(name);
            self.ends.push(self.bytes.len() as u32);
        }
    }

    fn iter(&self) -> impl Iterator<Item = [&[u8]; COMPONENTS]> {
        let mut start = 0;
        self.ends.as_chunks::<COMPONENTS>().0.iter().map(move |ends| {
            ends.map(|end| {
                let name = &self.bytes[start..end as usize];
                start = end as usize;
                name
            })
        })
    }
}

#[inline(never)]
fn walk<B: AsRef<[u8]>>(image: &Image<B>, names: &[&[u8]; COMPONENTS]) -> Option<u32> {
    let mut at = 0;
    for (depth, name) in names.iter().enumerate() {
        at = image.lookup(at, name, name_hash(name)).ok()??;
        let directory = image.mode(at).ok()? & Kind::MASK == Kind::Directory as u32;
        if directory != (depth + 1 < COMPONENTS) {
            return None;
        }
    }
    Some(at)
}

fn measure(files: usize) {
    let mut random = Random(files as u64);
    let start = Instant::now();
    let (builder, nodes, tree) = generate(files, &mut random);
    let mut bytes = Vec::new();
    builder.finish(nodes, &mut bytes).expect("the tree is sound");
    let build = start.elapsed();
    let len = bytes.len();

    let open = median(9, || {
        let start = Instant::now();
        let image = Image::open(bytes.as_slice()).expect("it was just written");
        black_box(image.record_count());
        start.elapsed()
    });
    let image = Image::open(bytes).expect("it was just written");

    let mut pick = |from: &mut dyn FnMut(&mut Random) -> u64| {
        let mut paths = Paths::default();
        for _ in 0..RANDOM_WALKS {
            paths.push(&tree.path(from(&mut random) as usize));
        }
        paths
    };
    let all = files as u64;
    let working_set = WORKING_SET.min(all);
    let walks = pick(&mut |random| random.below(all));
    let start = (all - working_set) / 2;
    let near = pick(&mut |random| start + random.below(working_set));
    let spread = pick(&mut |random| random.below(working_set) * (all / working_set));
    let mut misses = Paths::default();
    for names in walks.iter() {
        let mut names = names.map(<[u8]>::to_vec);
        names[COMPONENTS - 1].push(b'~');
        misses.push(&names);
    }
    let hot: Vec<[&[u8]; COMPONENTS]> = walks.iter().take(15).collect();
    let hot = hot.iter().map(|names| {
        median(9, || {
            let start = Instant::now();
            for _ in 0..100_000 {
                black_box(walk(&image, black_box(names))).expect("the path is there");
            }
            start.elapsed()
        }) / 100_000
            * 1000
    });
    let mut hot: Vec<Duration> = hot.collect();
    hot.sort();
    let hot_ns = hot[hot.len() / 2].as_nanos() as f64 / 1000.0;

    let each = |paths: &Paths, found: bool| {
        let took = median(3, || {
            let start = Instant::now();
            for names in paths.iter() {
                assert_eq!(walk(&image, &names).is_some(), found);
            }
            start.elapsed()
        });
        took.as_nanos() as f64 / RANDOM_WALKS as f64
    };
    let (found, missing) = (each(&walks, true), each(&misses, false));
    let (near, spread) = (each(&near, true), each(&spread, true));
    let numbers: Vec<u64> = (0..RANDOM_WALKS).map(|_| 1 + random.below(nodes - 1)).collect();
    let number = median(3, || {
        let start = Instant::now();
        for &node in &numbers {
            black_box(image.by_number(node)).expect("sound").expect("every number is used");
        }
        start.elapsed()
    });
    println!(
        "{files:>9} {:>7.2}s {:>9} {:>6}ns {hot_ns:>6.1}ns {:>6.1}ns {near:>6.0}ns {spread:>6.0}ns {found:>6.0}ns {missing:>6.0}ns {:>6.0}ns",
        build.as_secs_f64(),
        len / files,
        open.as_nanos(),
        hot_ns / COMPONENTS as f64,
        number.as_nanos() as f64 / RANDOM_WALKS as f64,
    );
}

fn median(times: usize, mut run: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<Duration> = (0..times).map(|_| run()).collect();
    all.sort();
    all[times / 2]
}

/// What is needed to tell the path of any file again: names come from numbers.
struct Tree {
    per_directory: usize,
    fan: usize,
}

impl Tree {
    fn path(&self, file: usize) -> [Vec<u8>; COMPONENTS] {
        let mut place = file / self.per_directory;
        let mut names: [Vec<u8>; COMPONENTS] = Default::default();
        names[COMPONENTS - 1] = name(file as u64, b".c");
        for level in (0..COMPONENTS - 1).rev() {
            let here = if level == 0 { place } else { place % self.fan };
            names[level] = name((here + (level << 40)) as u64, b"");
            place /= self.fan;
        }
        names
    }
}

fn generate(files: usize, random: &mut Random) -> (Builder, u64, Tree) {
    let per_directory = 300;
    let directories = files.div_ceil(per_directory);
    let fan = (directories as f64).powf(1.0 / (COMPONENTS - 1) as f64).ceil() as usize;
    let tree = Tree { per_directory, fan };
    let mut node = 1;
    let mut spec = |mode: u32, content: Content<'static>| {
        let time = Timestamp { sec: 1_700_000_000 + random.below(1 << 24) as i64, nsec: 5 };
        let attributes = Attributes {
            mode,
            uid: 1000,
            gid: 1000,
            nlink: 0,
            size: 1 + random.below(1 << 14),
            atime: time,
            mtime: time,
            ctime: time,
            rdev: 0,
        };
        node += 1;
        NodeSpec { node: node - 1, attributes, content, xattrs: &[] }
    };
    let directory = (0o040755, Content::None);
    let mut builder = Builder::new(spec(directory.0, directory.1)).expect("a root");
    let mut open: Vec<(Vec<u8>, Handle)> = Vec::new();
    for file in 0..files {
        let names = tree.path(file);
        let same = open.iter().zip(&names).take_while(|((a, _), b)| a == *b).count();
        if same < COMPONENTS - 1 {
            open.truncate(same);
            for name in &names[same..COMPONENTS - 1] {
                let parent = open.last().map_or(builder.root(), |(_, handle)| *handle);
                let made = builder.add(parent, name, spec(directory.0, directory.1));
                open.push((name.clone(), made.expect("a directory")));
            }
        }
        let parent = open[COMPONENTS - 2].1;
        let blob = Content::Blob(Digest::from_bytes([file as u8; 32]));
        builder.add(parent, &names[COMPONENTS - 1], spec(0o100644, blob)).expect("a file");
    }
    (builder, node, tree)
}

/// A name of 8 to 24 bytes that only this number has.
fn name(number: u64, ending: &[u8]) -> Vec<u8> {
    const WORDS: [&str; 8] = ["lib", "core", "memory", "tty", "parse_", "net-filter", "x", "impl"];
    let mixed = Random(number).next();
    let mut name = WORDS[(mixed % 8) as usize].as_bytes().to_vec();
    name.extend(format!("{number:x}_").into_bytes());
    let len = 8 + (mixed >> 8) as usize % 15;
    while name.len() + ending.len() < len {
        name.push(b'a' + ((mixed >> (name.len() % 8)) % 26) as u8);
    }
    // The number could run into the letters behind it: end it.
    name.extend(ending);
    name
}

/// A fixed sequence: every run measures the same trees.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn status(field: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or("not known");
    line.trim_start_matches(field).trim_start_matches(':').trim().to_owned()
}
