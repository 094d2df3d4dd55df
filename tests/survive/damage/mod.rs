//! Random damage to contents, images, journals and live indexes of a store with a workspace and its fork. After each:
//! `vrift fsck` finds it, or it means nothing, so that everything is as before; no command ends by a signal or a panic; nothing
//! wrong is given out where `--verify` is asked for; what is done later does not go unless that is said; and
//! `fsck --repair` restores what can be.

mod hurt;
mod judge;
pub mod look;
mod pristine;
mod scene;

use crate::options::Options;
use crate::tally::Tally;
use hurt::Hurt;
use scene::Scene;
use vrift_tests::random::Random;

/// Cases with findings after which it is no use to go on.
const ENOUGH: u64 = 20;

/// Plays cases; whether nothing was found.
pub fn row(options: &Options) -> bool {
    let mut scene = Scene::new();
    assert!(judge::notices_wrong_bytes(&mut scene), "this test does not notice wrong bytes");
    let mut tally = Tally::new("damage");
    for seed in options.seeds() {
        tally.begin(seed);
        let mut random = Random::new(seed);
        let hurt = Hurt::any(&scene, &mut random);
        let findings = judge::case(&scene, &hurt, &mut random);
        scene.restore();
        tally.tested += 1;
        if !findings.is_empty() {
            // As it was when it was damaged, and nothing done to it.
            Hurt::any(&scene, &mut Random::new(seed));
            let kept = scene.keep();
            scene.restore();
            let mut text = format!("{}:\n  {}", hurt.text, findings.join("\n  "));
            if let Err(why) = &kept {
                text += &format!("\n  it cannot be kept: {why}");
            }
            tally.violated(seed, &text, kept.ok().as_deref());
        }
        if tally.violations == ENOUGH {
            break;
        }
    }
    tally.say()
}
