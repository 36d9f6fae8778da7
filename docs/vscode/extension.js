// Starts `riffle lsp` for specs. Messages, hover, definition, completion and formatting are its.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function activate() {
    const command = vscode.workspace.getConfiguration("riffle").get("path");
    const server = { command, args: ["lsp"] };
    client = new LanguageClient("riffle", "riffle", server, { documentSelector: [{ language: "riffle" }] });
    return client.start();
}

function deactivate() {
    return client === undefined ? undefined : client.stop();
}

module.exports = { activate, deactivate };
