/** The modal that the speaking person looks at. */

import { renderBlocks } from "./blocks.js";
import { forget } from "./choices.js";
import { button, byId, element, render } from "./dom.js";
import { inView } from "./places.js";

let submitting = ""; // the view that is being submitted
let errors = {}; // why the last submission was not sent, by block id
let errorsOf = ""; // the view that they are about
let openerId = ""; // what had the focus before
let getWorkspace = null;

/** Sets up the event listeners. `getter` returns the workspace as it is now. */
export function initModal(getter) {
  getWorkspace = getter;
  const dialog = byId("modal");
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    closeModal();
  });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
}

/** Opens, changes or closes the dialog. */
export function renderModal(workspace) {
  const dialog = byId("modal");
  const modal = workspace.modal;
  if (!modal) {
    if (dialog.open) leave(dialog);
    return;
  }
  const { view, depth, failure } = modal;
  const isOther = dialog.dataset.view !== view.id;
  if (isOther && dialog.dataset.view && depth === 1) forget(dialog.dataset.view);
  dialog.dataset.view = view.id;
  const known = { ...modal.errors, ...(errorsOf === view.id ? errors : {}) };
  const state = [view.id, view.hash, depth, known, failure, submitting, workspace.people.length, workspace.channels.length];
  render(dialog, state, () => content(workspace, modal, known));
  if (!dialog.open) {
    openerId = document.activeElement.id;
    dialog.showModal();
  }
  if (isOther) focusFirst(dialog, view);
}

function content(workspace, { view, depth, failure }, known) {
  const place = { ...inView(workspace, view), errors: known };
  const isSubmitting = submitting === view.id;
  return element(
    "form",
    { noValidate: true },
    element(
      "header",
      {},
      element("h2", { id: "modal-title" }, view.title.text),
      button("×", { id: "modal-clear", "aria-label": depth > 1 ? "Close all" : "Close", onclick: () => closeModal(depth > 1) }),
    ),
    element("div", { className: "content", tabIndex: -1 }, renderBlocks(place, view.blocks)),
    failure ? element("p", { className: "error", role: "alert" }, `The app did not take it (${failure}). Try again.`) : null,
    element(
      "footer",
      {},
      button(view.close?.text ?? (depth > 1 ? "Back" : view.submit ? "Cancel" : "Close"), { id: "modal-close", onclick: () => closeModal() }),
      view.submit
        ? element("button", { id: "modal-submit", className: "primary", disabled: isSubmitting || view.submit_disabled === true }, isSubmitting ? "Sending …" : view.submit.text)
        : null,
    ),
  );
}

function focusFirst(dialog, view) {
  const fields = [...dialog.querySelectorAll(".content input, .content select, .content textarea, .content summary, .content button, .content a")];
  const wanted = view.blocks.find((block) => block.element?.focus_on_load)?.block_id;
  const first = fields.find((field) => wanted && field.id.includes(`-${encodeURIComponent(wanted)}-`)) ?? fields[0];
  (first ?? byId("modal-submit") ?? byId("modal-close")).focus();
}

async function submit() {
  const workspace = getWorkspace();
  const { view } = workspace.modal;
  if (submitting) return;
  submitting = view.id;
  errors = {};
  renderModal(workspace);
  const result = await inView(workspace, view).submit();
  submitting = "";
  errors = result?.errors ?? {};
  errorsOf = view.id;
  renderModal(getWorkspace());
  byId("modal").querySelector(".invalid :is(input, select, textarea, summary)")?.focus();
}

function closeModal(isCleared = false) {
  const workspace = getWorkspace();
  if (workspace.modal) inView(workspace, workspace.modal.view).close(isCleared);
}

function leave(dialog) {
  forget(dialog.dataset.view);
  delete dialog.dataset.view;
  errorsOf = "";
  dialog.close();
  if (document.activeElement === document.body) (byId(openerId) ?? byId("composer-text")).focus();
}
