#!/bin/sh
# npm and node: packages of the tree are installed, as links and as archives, with their commands and scripts, and found as modules.
. "$(dirname "$0")/common.sh"
tree() {
    mkdir -p part/bin part/lib linked app
    cat >part/package.json <<'JSON'
{ "name": "part", "version": "1.2.3", "main": "lib/part.js", "bin": { "part-says": "bin/says.js" },
  "scripts": { "postinstall": "node -e \"fs.writeFileSync('installed', process.cwd())\"" } }
JSON
    printf '#!/usr/bin/env node\nconsole.log(require("..")(process.argv[2]), __filename);\n' >part/bin/says.js
    chmod 755 part/bin/says.js
    echo 'module.exports = (word) => "part " + word;' >part/lib/part.js
    echo '{ "name": "linked", "version": "1.0.0", "type": "module", "exports": "./index.mjs" }' >linked/package.json
    echo 'export const place = import.meta.url;' >linked/index.mjs
    cat >app/package.json <<'JSON'
{ "name": "app", "version": "1.0.0", "private": true, "scripts": { "says": "part-says run", "test": "node --test" } }
JSON
    printf 'import { place } from "linked";\nimport part from "part";\nimport { readFileSync } from "node:fs";\nconsole.log(place, part("imported"), readFileSync("node_modules/part/installed", "utf8"));\n' >app/main.mjs
    printf 'const test = require("node:test"), assert = require("node:assert");\ntest("part", () => assert.equal(require("part")("x"), "part x"));\n' >app/part.test.js
}
body() {
    cat >"$ROOM/npmrc" <<INI
cache=$TREE/.npm
audit=false
fund=false
offline=true
update-notifier=false
INI
    export NPM_CONFIG_USERCONFIG="$ROOM/npmrc" NO_COLOR=1
    unset NODE_PATH
    (cd part && npm pack --silent --pack-destination ..)
    cd app
    npm install --silent ../part-1.2.3.tgz ../linked
    same command "$(readlink node_modules/.bin/part-says)" ../part/bin/says.js
    same link "$(readlink node_modules/linked)" ../../linked
    same said "$(node_modules/.bin/part-says word)" "part word $TREE/app/node_modules/part/bin/says.js"
    same ran "$(npm run --silent says)" "part run $TREE/app/node_modules/part/bin/says.js"
    same imported "$(node main.mjs)" "file://$TREE/linked/index.mjs part imported $TREE/app/node_modules/part"
    npm test --silent || fail 'the test fails'
    npm ls --silent || fail 'npm does not find what it has installed'
    # Once more from the lock, into an empty directory.
    rm -r node_modules
    npm ci --silent
    same said "$(npx --no-install part-says again)" "part again $TREE/app/node_modules/part/bin/says.js"
    npm uninstall --silent part
    gone node_modules/part
    gone node_modules/.bin/part-says
}
play "$@"
