//! What has to be true of a store that was damaged.

use std::path::Path;

use vrift_tests::sandbox::Said;

use super::hurt::{Hurt, Part, files};
use super::look::{ERROR, Picture};
use super::pristine::write;
use super::scene::{Scene, Subject, items};
use vrift_tests::random::Random;

/// What a case does later, and would not find again.
const LATER: &str = "later-file";

/// Commands that believe what they read. They may be wrong, and end orderly.
const BELIEVING: &[&[&str]] = &[
    &["ls", "-lR", "WS"],
    &["log", "WS"],
    &["diff", "w", "f"],
    &["list"],
    &["du", "WS"],
    &["gc", "--grace", "0"],
    &["compact", "WS"],
    &["snapshot", "WS", "further"],
    &["fork", "WS", "g"],
    &["status", "w"],
    &["sync", "w"],
    &["apply", "w"],
    &["stat", "w:src"],
    &["blame", "w:made"],
    &["find", "WS"],
    &["tree", "WS"],
    &["cat", "w:large"],
];

/// That it would be seen if wrong bytes were given out: without `--verify` they are.
pub fn notices_wrong_bytes(scene: &mut Scene) -> bool {
    let blobs = files(scene, Part::Blob);
    let large = blobs.iter().max_by_key(|path| scene.pristine.bytes(path).len());
    let large = large.expect("there are contents");
    let mut bytes = scene.pristine.bytes(large).to_vec();
    bytes[1000] ^= 1;
    write(large, &bytes);
    let right = &scene.subjects[0].picture;
    let (said, picture) = scene.seen("w", false);
    let trusting = judge(right, &picture, &said, false).is_some();
    let (said, picture) = scene.seen("w", true);
    let verifying = judge(right, &picture, &said, false).is_none() && said.code == Some(1);
    scene.restore();
    trusting && verifying
}

/// A case: everything that was not as it has to be.
pub fn case(scene: &Scene, hurt: &Hurt, random: &mut Random) -> Vec<String> {
    let mut case = Case { scene, hurt, findings: Vec::new() };
    let fsck = case.orderly(&["fsck"]);
    let sound = fsck.code == Some(0);
    if sound && hurt.loses {
        case.find(format!("fsck finds nothing: {}{}", fsck.text(), fsck.err));
    }
    // What is said to be sound has to be so everywhere.
    let one = random.below(scene.subjects.len());
    for (number, subject) in scene.subjects.iter().enumerate() {
        if sound || number == one {
            case.shows_nothing_wrong(subject, sound, random);
        }
    }
    let workspace = *random.pick(&["w", "f"]);
    if random.below(2) == 0 {
        let words = random.pick(BELIEVING);
        let words: Vec<&str> =
            words.iter().map(|&word| if word == "WS" { workspace } else { word }).collect();
        case.orderly(&words);
        if random.below(3) == 0 {
            let (said, _) = scene.seen(workspace, false);
            case.ended_orderly("look", &said);
        }
    }
    let later = random.below(3) == 0 && {
        let script = format!("echo later > {}/{LATER}", scene.project());
        case.orderly(&["run", "-w", workspace, "--", "sh", "-c", &script]).code == Some(0)
    };
    case.can_be_repaired(later.then_some(workspace), sound);
    case.findings
}

struct Case<'a> {
    scene: &'a Scene,
    hurt: &'a Hurt,
    findings: Vec<String>,
}

impl Case<'_> {
    fn find(&mut self, what: impl Into<String>) {
        self.findings.push(what.into());
    }

    /// Runs a command that has to end by itself.
    fn orderly(&mut self, words: &[&str]) -> Said {
        let said = self.scene.vrift(words);
        self.ended_orderly(&words.join(" "), &said);
        said
    }

    fn ended_orderly(&mut self, what: &str, said: &Said) {
        // 101 is a panic; above it are signals, of a command that was run as well.
        if said.code.is_none_or(|code| code == 101 || code > 128) {
            self.find(format!("`{what}` ended with {:?}: {}", said.code, said.err));
        }
    }

    /// `sound`: fsck says that nothing is damaged, so everything has to be there.
    fn shows_nothing_wrong(&mut self, subject: &Subject, sound: bool, random: &mut Random) {
        let (right, place) = (&subject.picture, subject.place);
        let (said, picture) = self.scene.export(place, true);
        self.judged(&format!("export {place}"), right, &picture, &said, sound);
        if let Some(workspace) = subject.workspace {
            let (said, picture) = self.scene.seen(workspace, true);
            self.judged(&format!("a program in {place}"), right, &picture, &said, sound);
        }
        let said = self.orderly(&["ls", "-lAR", "--json", "--verify", place]);
        let listed = items(&said);
        let whole = listed == subject.listed && said.code == Some(0);
        let failed = said.code != Some(0) && !said.err.is_empty();
        if !whole && (sound || !failed || !listed.is_subset(&subject.listed)) {
            let extra = listed.difference(&subject.listed).next();
            self.find(format!("ls {place} ended with {:?}, wrong: {extra:?}", said.code));
        }
        let paths: Vec<&String> = right
            .iter()
            .filter(|(_, line)| line.starts_with("file"))
            .map(|(path, _)| path)
            .collect();
        let path = *random.pick(&paths);
        let said = self.orderly(&["cat", "--verify", &format!("{place}:{path}")]);
        let digest = vrift_cas::Digest::of(&said.out).to_string();
        let whole = said.code == Some(0) && right[path].ends_with(&digest);
        let refused = said.code == Some(1) && said.out.is_empty() && !said.err.is_empty();
        if !whole && (sound || !refused) {
            self.find(format!("cat {place}:{path} gave {} bytes: {}", said.out.len(), said.err));
        }
    }

    fn judged(&mut self, what: &str, right: &Picture, found: &Picture, said: &Said, sound: bool) {
        self.ended_orderly(what, said);
        if let Some(why) = judge(right, found, said, sound) {
            self.find(format!("{what}: {why}"));
        }
    }

    /// `later`: the workspace in which something was done since, and was said to be done. `sound`: as it was found.
    fn can_be_repaired(&mut self, later: Option<&str>, sound: bool) {
        let repair = self.orderly(&["fsck", "--repair"]);
        let said = repair.text();
        let again = self.orderly(&["fsck"]);
        let healed = repair.code == Some(0);
        if healed && again.code != Some(0) {
            self.find(format!("it was healed, and is not: {said}then {}", again.text()));
        }
        if !healed && self.has_to_heal() {
            self.find(format!("it was not healed: {said}"));
        }
        if let Some(workspace) = later {
            let cat = self.orderly(&["cat", &format!("{workspace}:{LATER}")]);
            let told = said.contains("ends at state") || !healed;
            if cat.out != b"later\n" && !told {
                self.find(format!("what was done later in {workspace} is gone: {}{said}", cat.err));
            }
        }
        for subject in &self.scene.subjects {
            let (said, mut found) = self.scene.export(subject.place, true);
            found.remove(LATER);
            let what = format!("export {} after repair", subject.place);
            self.ended_orderly(&what, &said);
            // History may have ended before the damage, if there was some.
            let is_past = self.hurt.part == Part::Journal
                && !sound
                && said.code == Some(0)
                && self.scene.past.contains(&found);
            if is_past {
                continue;
            }
            // The state of a snapshot may be one that was lost.
            let whole = sound || (healed && self.hurt.part != Part::Journal);
            if let Some(why) = judge(&subject.picture, &found, &said, whole) {
                self.find(format!("{what}: {why}"));
            }
        }
    }

    /// Whether it can be made anew: the live index can, and a content that the directory still has under its name.
    fn has_to_heal(&self) -> bool {
        let there = |path: &Path| {
            let many = Path::new(&self.scene.project()).join("src/many");
            let originals = self.scene.pristine.files(|file| file.starts_with(&many));
            let content = self.scene.pristine.bytes(path);
            originals.iter().any(|file| self.scene.pristine.bytes(file) == content)
        };
        match self.hurt.part {
            Part::Index => true,
            // Of two that changed places, the other may be lost.
            Part::Blob => !self.hurt.text.contains("changed places") && there(&self.hurt.path),
            Part::Image | Part::Journal => false,
        }
    }
}

/// Why a picture is wrong. An entry is right or is an error; what is not there was said to be missing. `sound`: all has to
/// be there.
fn judge(right: &Picture, found: &Picture, said: &Said, sound: bool) -> Option<String> {
    let failed = said.code != Some(0);
    if sound && (failed || found != right) {
        let wrong = right.iter().find(|(path, line)| found.get(*path) != Some(line));
        return Some(format!("not whole ({:?}): {wrong:?}: {}", said.code, said.err));
    }
    for (path, line) in found {
        let is_error = line.starts_with(ERROR);
        if !is_error && right.get(path) != Some(line) {
            return Some(format!("wrong: {path}: {line} instead of {:?}", right.get(path)));
        }
        if is_error && !failed {
            return Some(format!("{path}: {line}, and nothing was said of it"));
        }
    }
    let missing = right.keys().find(|path| !found.contains_key(*path));
    match missing {
        Some(path) if !failed => Some(format!("{path} is missing, and nothing was said of it")),
        Some(path) if said.err.is_empty() => Some(format!("{path} is missing without a word")),
        _ => None,
    }
}
