"""
Microsoft's own KQL parser and binder, which says of a query what Defender would say of its text.

Begin with `judge.Judge`. It runs on Node.js (`validate.js`), and its library lies in `node_modules` here after `npm ci`;
`judge.missing` says what a machine lacks of these. Knows no hunts.
"""
