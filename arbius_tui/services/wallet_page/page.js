// The wallet page of arbius-tui: it shows one task of the terminal and asks a wallet of this browser to do it.
// Nothing that a wallet says is ever markup: all text goes through `textContent`.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const KEEP = "arbius-tui";           // in this tab's own storage: the session, and a hash that the terminal has not yet
  const NO_ANSWER = 1500;              // ms in which wallets announce themselves before the old way is looked at
  const PAGE = crypto.randomUUID();    // of this load: the terminal tells a connection that came back from another tab
  const wallets = new Map();           // by uuid: name, rdns, provider
  let task, wallet, socket, go, busy = false, over = false, off = false, looked = false, tries = 0, listed = "";
  let store, kept = {};
  // Some browsers refuse a page its storage; then only loading it again does not work.
  try { store = window.sessionStorage; kept = JSON.parse(store.getItem(KEEP)) || {}; } catch { /* nothing was kept */ }

  const clean = (text, most = 200) => String(text ?? "").replace(/[\p{C}\s]+/gu, " ").trim().slice(0, most);
  const same = (a, b) => String(a).toLowerCase() === String(b).toLowerCase();
  const isAddress = (text) => /^0x[0-9a-fA-F]{40}$/.test(text);
  const called = () => (wallet ? wallet.name : "the wallet");
  const keep = (change) => { kept = { ...kept, ...change }; store?.setItem(KEEP, JSON.stringify(kept)); };
  const forget = () => { kept = {}; store?.removeItem(KEEP); };

  // ---- what is shown

  function say(text, bad = false) {
    $("status").textContent = text;
    $("status").classList.toggle("bad", bad);
  }

  function button(text, act, main = false, more = "") {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.className = main ? "main" : "";
    if (more) { const small = document.createElement("small"); small.textContent = more; made.append(small); }
    made.addEventListener("click", () => once(act));
    return made;
  }

  // One press at a time: a second one while a wallet is asked would ask it twice.
  async function once(act) {
    if (busy || over) return;
    busy = true;
    for (const one of document.querySelectorAll("button")) one.disabled = true;
    try { await act(); } finally {
      busy = false;
      for (const one of document.querySelectorAll("button")) one.disabled = false;
    }
  }

  function actions(...buttons) {
    $("actions").replaceChildren(...buttons);
    if (document.activeElement === document.body) (document.querySelector("button.main") || $("title")).focus({ preventScroll: true });
  }

  function list(id, entries) {
    $(id).replaceChildren(...entries.map((entry) => { const row = document.createElement("li"); row.append(entry); return row; }));
    $(id).hidden = !entries.length;
  }

  function review() {
    if (!task.sends) return;
    $("rows").replaceChildren(...task.rows.flatMap(([label, value]) => {
      const [term, text] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = label;
      text.textContent = value;
      return [term, text];
    }));
    $("raw").textContent = Object.entries(task.transaction).map(([key, value]) => `${key}: ${value}`).join("\n");
    $("review").hidden = false;
  }

  function finish(text, bad = false) {
    over = true;
    say(text, bad);
    for (const id of ["wallets", "accounts"]) list(id, []);
    actions();
  }

  const giveUp = () => button("Call it off", () => { off = post("declined"); });

  // ---- the terminal

  function post(kind, more = {}) {
    const open = socket.readyState === WebSocket.OPEN;
    if (open) socket.send(JSON.stringify({ kind, wallet: wallet ? wallet.name : "", ...more }));
    return open;
  }

  function connect() {
    const token = location.hash.slice(1);
    if (token) forget(); // what is kept is of an older link
    socket = new WebSocket(`ws://${location.host}/live`);
    socket.addEventListener("open", () => post(token ? "hello" : "back", { key: token || kept.key || "", page: PAGE }));
    socket.addEventListener("message", (event) => heard(JSON.parse(event.data)));
    socket.addEventListener("close", gone);
  }

  function heard(message) {
    if (message.kind === "task") begin(message);
    if (message.kind === "go" && go) go(true);
    if (message.kind === "no" && message.why === "asked") go && go(false);
    else if (message.kind === "no") refused(message.why);
    if (message.kind === "done") finished();
    if (message.kind === "ended") ended(message.asked);
  }

  function begin(message) {
    const again = Boolean(task);
    tries = 0;
    if (!again) task = message; // what is shown is what is sent, whoever answers at this port later
    keep({ key: message.key });
    history.replaceState(null, "", location.pathname); // the token is used up; it need not stand in the address
    if (kept.hash) return post("sent", { hash: kept.hash });
    if (again) return; // the connection broke and came back; the page stands where it stood
    $("title").textContent = task.sends ? "Sign and send with your wallet" : "Choose the account that signs";
    document.title = `arbius-tui: ${$("title").textContent.toLowerCase()}`;
    review();
    if (task.asked) return askedBefore();
    discover();
  }

  function refused(why) {
    finish({
      second: "This link is open in another tab already. Go on there, or close that tab and open the new link that the terminal shows.",
      used: "This link was used already. The terminal shows the one that works now.",
    }[why] || "The terminal does not know this tab. Open the link that it shows.", true);
  }

  function finished() {
    const hash = kept.hash;
    forget();
    if (hash) finish(`Sent. The terminal has the hash and follows the transaction; you can close this tab.\n${hash}`);
    else if (off) finish("Called off. Nothing was sent; you can close this tab.");
    else finish("Done. The terminal goes on; you can close this tab.");
    leave();
  }

  // Give the permission to see accounts back: the next page has another port, and so is another site to the wallet.
  function leave() {
    if (wallet) request("wallet_revokePermissions", [{ eth_accounts: {} }]).catch(() => { /* not every wallet can */ });
  }

  function ended(asked) {
    finish(asked
      ? `The step in the terminal has ended. If ${called()} still shows the transaction, reject it there, or send it and run the step again: the terminal looks for it.`
      : "The step in the terminal has ended. Nothing was sent. You can close this tab.", true);
  }

  function gone() {
    if (over) return;
    if (go) go(false);
    if (task && kept.key && tries < 8) { tries += 1; setTimeout(connect, 250 * tries); return; }
    const hash = kept.hash ? ` The transaction was sent; keep its hash:\n${kept.hash}` : "";
    finish(`The terminal has gone. Start arbius-tui again: it goes on where it stood.${hash}`, true);
  }

  // ---- wallets

  function discover() {
    addEventListener("eip6963:announceProvider", (event) => {
      const { info, provider } = event.detail || {};
      if (provider && typeof provider.request === "function" && info && typeof info.uuid === "string") add(info.uuid, info.name, info.rdns, provider);
    });
    addEventListener("ethereum#initialized", old);
    say("Looking for wallets in this browser.");
    dispatchEvent(new Event("eip6963:requestProvider"));
    setTimeout(old, NO_ANSWER);
  }

  // The way before EIP-6963; with several wallets it is the one that came last.
  function old() {
    if (wallets.size || wallet) return;
    if (window.ethereum && typeof window.ethereum.request === "function") return add("window.ethereum", "The wallet of this browser", "", window.ethereum);
    post("no-wallet");
    say("No wallet answers in this browser. Install or unlock one, allow it on this page, or open the link of the terminal in the browser that has yours.", true);
    actions(button("Look again", () => { dispatchEvent(new Event("eip6963:requestProvider")); old(); }, true), giveUp());
  }

  function add(uuid, name, rdns, provider) {
    if (wallets.has(uuid) || wallet || over) return;
    wallets.set(uuid, { name: clean(name, 40) || "A wallet without a name", rdns: clean(rdns, 60), provider });
    const all = [...wallets.values()];
    say(task.sends ? `Choose the wallet that has ${task.account}.` : "Choose your wallet. It will ask you which account this page may see.");
    list("wallets", all.map((one) => button(one.name, () => use(one), all.length === 1, one.rdns)));
    actions(giveUp());
    const names = all.map((one) => one.name).join(", ");
    if (names !== listed) post("wallets", { text: (listed = names) });
  }

  const request = (method, params) => wallet.provider.request(params ? { method, params } : { method });

  async function use(one) {
    wallet = one;
    list("wallets", []);
    if (typeof one.provider.on === "function") {
      for (const event of ["accountsChanged", "chainChanged"]) one.provider.on(event, () => { if (!busy) once(look); });
    }
    await open();
  }

  async function open() {
    say(`${called()} asks you which account this page may see: answer there.`);
    actions();
    post("connecting");
    try { await request("eth_requestAccounts"); } catch (error) { return trouble(error, open, "refused", "showed no account to this page"); }
    await look();
  }

  // Where things stand: the account, then the chain, then the review. It is looked at anew before every request.
  async function look() {
    let accounts, chain;
    try {
      accounts = (await request("eth_accounts")).filter(isAddress);
      chain = Number(await request("eth_chainId"));
    } catch (error) { return void trouble(error, look); }
    if (!accounts.length) return void retry(`${called()} shows no account to this page.`, open, "refused");
    if (!task.sends) return void choose(accounts);
    if (!accounts.some((one) => same(one, task.account))) return void wrongAccount(accounts[0]);
    if (chain !== Number(task.chain.chainId)) return void wrongChain(chain);
    ready();
    return true;
  }

  function choose(accounts) {
    say("Choose the account that shall sign. The model id depends on it.");
    post("ready");
    list("accounts", accounts.map((one, place) => button(one, () => post("chosen", { address: one }), place === 0)));
    actions(button("Show other accounts", others), giveUp());
  }

  async function others() {
    try { await request("wallet_requestPermissions", [{ eth_accounts: {} }]); } catch (error) { return trouble(error, look); }
    await look();
  }

  function wrongAccount(found) {
    say(`${called()} shows ${found}.\nThe transaction is of ${task.account}: choose that account in the wallet.`, true);
    post("wrong-account", { address: found });
    actions(button("Choose another account", others, true), button("Look again", look), giveUp());
  }

  function wrongChain(found) {
    say(`${called()} is on chain ${found}. The transaction belongs on ${task.chain.chainName} (chain ${Number(task.chain.chainId)}).`, true);
    post("wrong-chain", { chain: found });
    actions(button(`Switch to ${task.chain.chainName}`, change, true), button("Look again", look), giveUp());
  }

  async function change() {
    const { chainId } = task.chain;
    say(`${called()} asks you to switch to ${task.chain.chainName}: answer there.`);
    try {
      try { await request("wallet_switchEthereumChain", [{ chainId }]); } catch (error) {
        if (!unknownChain(error) || !task.chain.rpcUrls.length) throw error;
        await request("wallet_addEthereumChain", [task.chain]);
      }
    } catch (error) { return trouble(error, look, "wrong-chain", `stays on its chain; choose ${task.chain.chainName} there`); }
    await look();
  }

  const unknownChain = (error) => error && (error.code === 4902 || error.data?.originalError?.code === 4902 || /unrecogni[sz]ed chain/i.test(error.message));

  function ready() {
    say(`${called()} has the account and the chain. Read the review, then let it send.`);
    post("ready");
    actions(button(`Send with ${called()}`, () => send(looked ? "again" : "ask"), true), giveUp());
  }

  // ---- the one thing that cannot be undone

  async function send(kind) {
    if (!(await look())) return;
    actions();
    // The terminal says go, or nothing happens.
    const may = await new Promise((resolve) => { go = resolve; if (!post(kind)) resolve(false); });
    go = undefined;
    if (!may) return retry("The terminal did not answer. Nothing was sent.", () => send("again"));
    say(`${called()} shows the transaction: sign and send it there, or reject it. Leave this tab open.`);
    let hash;
    try { hash = await request("eth_sendTransaction", [task.transaction]); } catch (error) { return unsent(error); }
    if (!/^0x[0-9a-fA-F]{64}$/.test(hash)) return unsent({ message: `it answered ${clean(hash, 80)} instead of a hash` });
    keep({ hash });
    say(`Sent: ${hash}`);
    post("sent", { hash });
  }

  // These say that the wallet did nothing. Any other error may come after it has sent.
  const REFUSED = [4100, 4200, 4900, 4901, -32601, -32602];

  function unsent(error) {
    const code = error && error.code;
    if (code === 4001) return retry(`You rejected it in ${called()}. Nothing was sent.`, () => send("ask"), "rejected");
    if (REFUSED.includes(code)) return retry(`${called()} did not send it: ${clean(error.message)}`, () => send("ask"), "failed", clean(error.message));
    const text = code === -32002 ? "an older request waits there: open the wallet by its icon and answer it" : clean(error && error.message) || "no reason given";
    say(`${called()} says: ${text}.\nLook at its list of activity before you ask again: it may have been sent.`, true);
    post(code === -32002 ? "pending" : "unsure", { text });
    actions(button("I looked: nothing was sent. Ask again", () => send("again"), true));
  }

  function askedBefore() {
    say("This page was loaded again while your wallet was asked. If you sent it there, run the step in the terminal again: it finds the transaction.", true);
    actions(button("I looked: nothing was sent. Start over", () => { looked = true; discover(); }, true));
  }

  // ---- errors of everything that can be undone

  function retry(text, act, kind, more = "") {
    say(text, true);
    if (kind) post(kind, { text: more });
    actions(button("Ask again", act, true), giveUp());
  }

  function trouble(error, act, kind, words) {
    const code = error && error.code;
    if (code === -32002) return retry(`${called()} has an older request open: click its icon and answer that first.`, act, "pending");
    if (code === 4001) return retry(`${called()} ${words || "was not allowed to"}.`, act, kind === "refused" ? "refused" : "");
    retry(`${called()} says: ${clean(error && error.message) || "no reason given"}`, act, "trouble", clean(error && error.message));
  }

  addEventListener("hashchange", () => location.reload()); // a new link in the same tab
  if (window.top !== window.self) finish("This page does not work inside of another.", true);
  else connect();
})();
