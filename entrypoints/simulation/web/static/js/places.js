/** Where elements are: in a message or in a view. Tells the server how people use them. */

import { chosenIn, elementId } from "./choices.js";
import { act, useApp } from "./client.js";
import { locate } from "./dom.js";

/** Returns the place of a message's elements; see `interactive`. */
export function inMessage(workspace, { key }) {
  const person = workspace.person?.id;
  return {
    ...uploads(workspace),
    scope: `${person}|${key}`,
    use: (block, spec, choice) => useApp("use-element", { ...locate(key), person, ...named(block, spec), choice }),
  };
}

/** Returns the place of a view's elements. */
export function inView(workspace, view) {
  const common = () => ({ person: workspace.person.id, channel: workspace.conversation.id, view: view.id });
  return {
    ...uploads(workspace),
    scope: view.id,
    values: view.state.values,
    use: (block, spec, choice) => useApp("use-view-element", { ...common(), ...named(block, spec), choice }),
    submit: () => useApp("submit-view", { ...common(), values: entered(view) }),
    close: (isCleared) => useApp("close-view", { ...common(), cleared: isCleared }),
  };
}

const named = (block, spec) => ({ block: block.block_id, element: spec.action_id });

/** Returns what is entered in a form: `{block, element, choice}` of each input. */
function entered(view) {
  const inputs = view.blocks.filter(({ type }) => type === "input");
  return inputs.map((block) => ({
    ...named(block, block.element),
    choice: chosenIn(elementId(view.id, block, block.element), block, block.element, view.state.values),
  }));
}

const uploads = (workspace) => ({
  workspace,
  upload: async (files) => {
    const added = files.map(async (file) => (await act("add-file", { name: file.name, content: await base64(file) }))?.file);
    return (await Promise.all(added)).filter(Boolean);
  },
});

/** Returns a file's content. */
export function base64(file) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1] ?? "");
    reader.readAsDataURL(file);
  });
}
