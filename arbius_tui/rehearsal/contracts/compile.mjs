// Compiles a contract into its artifact beside it: `node compile.mjs [SOURCE.sol]`, Engine.sol unless given.
// The same source and compiler give the same bytes on every machine: no path, no time and no metadata hash is kept.
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const path = process.argv[2] ?? fileURLToPath(new URL("Engine.sol", import.meta.url));
const name = basename(path, ".sol");
const source = readFileSync(path, "utf8").replaceAll("\r\n", "\n");
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
writeFileSync(path.replace(/\.sol$/, ".json"), `${JSON.stringify(artifact, null, 2)}\n`);
