//! Row `security`: each sentence with the tests behind it, run by their names.

use crate::existing;
use crate::options::Options;
use crate::tally::Tally;

/// A sentence, and its tests: package, target, and the beginning of their names.
type Sentence = (&'static str, &'static [(&'static str, &'static str, &'static str)]);

const SENTENCES: &[Sentence] = &[
    (
        "a store is 0700, and drafts cannot be read by others, under any umask",
        &[
            ("vrift-tests", "it", "security::closed::a_store_and_its_drafts"),
            ("vrift-cas", "cas", "put::the_umask_does_not_matter"),
            ("vrift-manifest", "places", "a_umask_takes_nothing_from_a_placeholder"),
        ],
    ),
    (
        "a hostile manifest can neither write outside of an export's target nor read outside of the store",
        &[
            ("vrift-tests", "it", "security::hostile::"),
            ("vrift-cli", "cli", "export::names_that_lead_out_of_the_destination_are_refused"),
            ("vrift-cli", "cli", "export::a_symlink_in_the_destination_leads_nowhere"),
            ("vrift-cli", "cli", "export::a_file_of_someone_else_does_not_keep_its_set_uid_bit"),
            ("vrift-manifest", "image", "refusals::"),
            ("vrift-manifest", "image", "damage::"),
        ],
    ),
    (
        "another user's process can neither read nor change a workspace",
        &[
            ("vrift-tests", "it", "security::strangers::a_stranger"),
            ("vrift-cas", "cas", "users::"),
        ],
    ),
    (
        "who answers programs that no library is in never lends its rights",
        &[
            ("vrift-tests", "it", "security::strangers::a_run_lends"),
            ("vrift-tests", "it", "run::unseen::"),
        ],
    ),
    (
        "symlinks exchanged during an export lead nowhere",
        &[("vrift-tests", "it", "security::races::")],
    ),
    (
        "nothing lies in predictable places but a directory that nobody else enters",
        &[
            ("vrift-tests", "it", "security::closed::nothing_is_made"),
            ("vrift-tests", "it", "security::closed::a_directory_that_somebody"),
            ("vrift-tests", "it", "security::strangers::what_a_stranger_has_put"),
            (
                "vrift-manifest",
                "workspace",
                "attaching::an_index_that_somebody_else_may_have_put_there",
            ),
        ],
    ),
];

/// Runs all, once.
pub fn row(_: &Options) -> bool {
    let mut tally = Tally::new("security");
    for (sentence, tests) in SENTENCES {
        println!("{sentence}:");
        existing::tests(tests, &mut tally);
    }
    existing::scripts(&["test_changed_user"], &mut tally);
    tally.say()
}
