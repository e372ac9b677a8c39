"use strict";
// Changes the token of the address for the cookie, and forgets it from the address.

async function enter() {
  const said = document.getElementById("said");
  const token = location.hash.slice(1) || sessionStorage.getItem("blastoseg-token") || "";
  history.replaceState(null, "", "/");
  let words = "This address is not complete: open the one that blastoseg review printed.";
  if (token) {
    const answer = await fetch("/session", { method: "POST", headers: { "X-Blastoseg-Token": token } }).catch(() => null);
    if (answer && answer.ok) {
      sessionStorage.setItem("blastoseg-token", token);
      location.replace("/review/index.html");
      return;
    }
    words = answer ? "This address is an older one: open the one that blastoseg review printed last." : "blastoseg review has ended.";
  }
  if (said) said.textContent = words;
}

enter();
