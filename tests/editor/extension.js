// Loads docs/vscode/extension.js with stand-ins for VS Code and its client, and prints what the client is started with.
const Module = require("module");
const path = require("path");

const seen = { started: 0, stopped: 0 };
const load = Module._load;
Module._load = function (name, ...rest) {
    if (name === "vscode")
        return { workspace: { getConfiguration: (section) => ({ get: (key) => `the setting ${section}.${key}` }) } };
    if (name === "vscode-languageclient/node")
        return {
            LanguageClient: class {
                constructor(id, title, server, client) { Object.assign(seen, { id, title, server, client }); }
                start() { seen.started++; return Promise.resolve(); }
                stop() { seen.stopped++; return Promise.resolve(); }
            },
        };
    return load.call(this, name, ...rest);
};

(async () => {
    const extension = require(path.resolve(process.argv[2]));
    await extension.deactivate(); // before it was active
    await extension.activate();
    await extension.deactivate();
    process.stdout.write(JSON.stringify(seen));
})();
