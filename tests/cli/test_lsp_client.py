"""riffle lsp and the client of pygls, which checks each message against the protocol's types."""

import asyncio
import unittest

from support import RIFFLE
from test_lsp import SPEC, UNITS, Server, position

try:
    from lsprotocol import types
    from pygls.lsp.client import BaseLanguageClient
except ImportError:
    types = None


@unittest.skipUnless(types, "pygls is not installed")
class Client(Server):
    async def visit(self):
        client = BaseLanguageClient("riffle-tests", "1")
        published = asyncio.Queue()

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _(params):
            published.put_nowait(params)

        await client.start_io(RIFFLE, "lsp")
        try:
            result = await client.initialize_async(types.InitializeParams(capabilities=types.ClientCapabilities()))
            self.assertEqual(result.capabilities.position_encoding, types.PositionEncodingKind.Utf16)
            client.initialized(types.InitializedParams())
            client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(
                uri=self.uri, language_id="riffle", version=1, text=SPEC.replace("relu", "rleu", 1))))
            params = await published.get()
            self.assertTrue(params.diagnostics)
            client.text_document_did_change(types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=2, uri=self.uri),
                [types.TextDocumentContentChangeWholeDocument(text=SPEC)]))
            self.assertEqual(len((await published.get()).diagnostics), 0)
            document = types.TextDocumentIdentifier(self.uri)

            def place(word):
                return types.Position(**position(SPEC, word))

            hover = await client.text_document_hover_async(types.HoverParams(document, place("linear(")))
            self.assertIn("f32[1,16,1,1] -> f32[1,4]`: 68 parameters, 64 MACs", hover.contents.value)
            found = await client.text_document_definition_async(types.DefinitionParams(document, place("conv_relu")))
            self.assertEqual(found.uri, self.units_uri)
            self.assertEqual(found.range.start, types.Position(**position(UNITS, "conv_relu")))
            items = await client.text_document_completion_async(types.CompletionParams(document, place("conv_relu")))
            self.assertIn("conv_relu", [item.label for item in items])
            edits = await client.text_document_formatting_async(types.DocumentFormattingParams(
                document, types.FormattingOptions(tab_size=4, insert_spaces=True)))
            self.assertEqual(edits[0].new_text, SPEC)
            client.text_document_did_close(types.DidCloseTextDocumentParams(document))
            await client.shutdown_async(None)
        finally:
            client.exit(None)
            await client.stop()

    def test_session(self):
        asyncio.run(asyncio.wait_for(self.visit(), 60))


if __name__ == "__main__":
    unittest.main()
