#!/bin/sh
# sqlite: rollback journal, write-ahead log, two connections, vacuum.
. "$(dirname "$0")/common.sh"
tree() { :; }
body() {
    python - <<'P'
import sqlite3, os
for mode in ('delete', 'truncate', 'persist', 'wal'):
    name = f'{mode}.db'
    a = sqlite3.connect(name); b = sqlite3.connect(name, timeout=0.1)
    assert a.execute(f'pragma journal_mode={mode}').fetchone()[0] == mode
    a.execute('create table t (x)'); a.executemany('insert into t values (?)', [(i,) for i in range(500)]); a.commit()
    assert b.execute('select count(*), sum(x) from t').fetchone() == (500, 124750)
    a.execute('begin immediate'); a.execute('delete from t')
    try: b.execute('begin immediate'); raise SystemExit('two writers')
    except sqlite3.OperationalError as why: assert 'locked' in str(why), why
    a.rollback()
    assert b.execute('select count(*) from t').fetchone()[0] == 500
    a.execute('vacuum')
    assert a.execute('pragma integrity_check').fetchone()[0] == 'ok'
    a.close(); b.close()
assert not [n for n in os.listdir() if n.endswith('-wal')]
P
    same count "$(python -c 'import sqlite3; print(sqlite3.connect("wal.db").execute("select count(*) from t").fetchone()[0])')" 500
}
after() { outside delete.db >"$ROOM/d.db"; same kept "$(/usr/bin/python3 -c 'import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute("select count(*) from t").fetchone()[0])' "$ROOM/d.db")" 500; }
play "$@"
