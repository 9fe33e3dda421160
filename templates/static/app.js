"use strict";
// The pages work without this file. It adds copy buttons, and sends the two forms that only pass something on.
(() => {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
        button.textContent = "Copied";
      } catch {
        button.textContent = "Press Ctrl+C";
        getSelection().selectAllChildren(source);
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }
  const passing = document.querySelector("form[data-autosubmit]");
  // Coming back by the browser's Back button must not send the form again.
  const kind = performance.getEntriesByType("navigation")[0]?.type;
  if (passing && kind !== "back_forward") passing.submit();
})();
