//! Which entries are left out.
//!
//! A glob without `/` is matched against the name of an entry at any depth (`*.o`, `node_modules`). One with a `/`
//! is matched against the path relative to the directory (`build/*.log`, `/target`, `docs/**/tmp`). `*` and `?` do
//! not match a `/`, `**` does. A `/` at the end matches directories only (`cache/`). A directory that is left out
//! takes everything below with it. Names are bytes; upper and lower case differ.

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

/// Globs, ready to be matched.
#[derive(Debug, Clone, Default)]
pub struct Exclude {
    names: GlobSet,
    directory_names: GlobSet,
    paths: GlobSet,
    directory_paths: GlobSet,
}

impl Exclude {
    /// Compiles the globs.
    pub fn new<S: AsRef<str>>(
        globs: impl IntoIterator<Item = S>,
    ) -> Result<Exclude, globset::Error> {
        let mut sets = [(); 4].map(|()| GlobSetBuilder::new());
        for glob in globs {
            let glob = glob.as_ref();
            let (glob, only_directories) = match glob.strip_suffix('/') {
                Some(rest) => (rest, true),
                None => (glob, false),
            };
            let is_path = glob.contains('/');
            let glob = glob.strip_prefix('/').unwrap_or(glob);
            let built =
                GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build()?;
            if let Some(set) =
                sets.get_mut(usize::from(is_path) * 2 + usize::from(only_directories))
            {
                set.add(built);
            }
        }
        let [names, directory_names, paths, directory_paths] = sets;
        Ok(Exclude {
            names: names.build()?,
            directory_names: directory_names.build()?,
            paths: paths.build()?,
            directory_paths: directory_paths.build()?,
        })
    }

    /// Whether matching needs the path, not just the name.
    pub fn needs_path(&self) -> bool {
        !self.paths.is_empty() || !self.directory_paths.is_empty()
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.directory_names.is_empty() && !self.needs_path()
    }

    /// Whether the entry `name` is left out. `path` is its path, empty if [`Exclude::needs_path`] said no.
    pub fn matches(&self, name: &[u8], path: &[u8], is_directory: bool) -> bool {
        let hit = |set: &GlobSet, text: &[u8]| {
            !set.is_empty() && set.is_match_candidate(&Candidate::from_bytes(text))
        };
        hit(&self.names, name)
            || hit(&self.paths, path)
            || (is_directory
                && (hit(&self.directory_names, name) || hit(&self.directory_paths, path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excluded(glob: &str, path: &str, is_directory: bool) -> bool {
        let exclude = Exclude::new([glob]).unwrap();
        let name = path.rsplit('/').next().unwrap();
        exclude.matches(name.as_bytes(), path.as_bytes(), is_directory)
    }

    #[test]
    fn a_glob_without_slash_is_matched_at_any_depth() {
        assert!(excluded("*.o", "a.o", false));
        assert!(excluded("*.o", "deep/down/a.o", false));
        assert!(!excluded("*.o", "a.c", false));
        assert!(excluded("{target,node_modules}", "x/node_modules", true));
    }

    #[test]
    fn a_glob_with_a_slash_is_matched_against_the_whole_path() {
        assert!(excluded("/target", "target", true));
        assert!(!excluded("/target", "sub/target", true));
        assert!(excluded("build/*.log", "build/a.log", false));
        assert!(!excluded("build/*.log", "build/sub/a.log", false));
        assert!(!excluded("build/*.log", "x/build/a.log", false));
        assert!(excluded("docs/**/tmp", "docs/a/b/tmp", true));
    }

    #[test]
    fn a_slash_at_the_end_is_for_directories() {
        assert!(excluded("cache/", "sub/cache", true));
        assert!(!excluded("cache/", "sub/cache", false));
        assert!(!excluded("/cache/", "sub/cache", true));
    }

    #[test]
    fn a_wrong_glob_is_refused() {
        assert!(Exclude::new(["a[b"]).is_err());
    }

    #[test]
    fn names_that_are_not_utf_8_match_too() {
        let exclude = Exclude::new(["*.o"]).unwrap();
        assert!(exclude.matches(b"\xff.o", b"", false));
    }
}
