// Compiles the contract beside this file into its artifact: `node compile.mjs [OUT]`, OUT is Engine.json unless given.
// The same source and compiler give the same bytes on every machine: no path, no time and no metadata hash is kept.
import { readFileSync, writeFileSync } from "node:fs";
import solc from "solc";

const name = "Engine";
const source = readFileSync(new URL(`${name}.sol`, import.meta.url), "utf8").replaceAll("\r\n", "\n");
const settings = {
  evmVersion: "paris",
  optimizer: { enabled: true, runs: 200 },
  viaIR: false,
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

const output = JSON.parse(
  solc.compile(
    JSON.stringify({
      language: "Solidity",
      sources: { [`${name}.sol`]: { content: source } },
      settings: {
        ...settings,
        outputSelection: {
          "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"] },
        },
      },
    }),
  ),
);
for (const finding of output.errors ?? []) console.error(finding.formattedMessage);
if (!output.contracts || output.errors?.length) process.exit(1);

const contract = output.contracts[`${name}.sol`][name];
const artifact = {
  contractName: name,
  compiler: solc.version(),
  settings,
  storageLayout: Object.fromEntries(
    contract.storageLayout.storage
      .filter(({ label }) => !label.startsWith("_before"))
      .map(({ label, slot, offset }) => [label, { slot: Number(slot), offset }]),
  ),
  abi: contract.abi,
  bytecode: `0x${contract.evm.bytecode.object}`,
  deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
};
writeFileSync(process.argv[2] ?? new URL(`${name}.json`, import.meta.url), `${JSON.stringify(artifact, null, 2)}\n`);
