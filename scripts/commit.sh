# Sourced by the scripts that keep what they measure.

# measured_commit: the commit whose sources these are; with `-dirty` behind it if they are others. What is written down there is not
# looked at.
measured_commit() {
    local changed
    changed=$(git status --porcelain -- . ':!docs' ':!benches/runs' ':!README.md')
    echo "$(git rev-parse --short HEAD)${changed:+-dirty}"
}

# What is kept has to be found again.
refuse_dirty() {
    case $(measured_commit) in
    *-dirty) echo "commit first: what is kept names the commit that it is of" >&2 && exit 2 ;;
    esac
}
