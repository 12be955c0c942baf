// Tabs as the ARIA practices describe them: arrow keys move, one tab stop.

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Make the buttons of a tab list work. `onShow` gets the id of the panel that is shown. */
export function tabs(list, onShow) {
  const buttons = [...list.querySelectorAll('[role=tab]')];
  const panelOf = (button) => document.getElementById(button.getAttribute('aria-controls'));

  function show(chosen) {
    for (const button of buttons) {
      const selected = button === chosen;
      button.setAttribute('aria-selected', selected);
      button.tabIndex = selected ? 0 : -1;
      panelOf(button).hidden = !selected;
    }
    onShow(panelOf(chosen).id);
  }

  function choose(button) {
    show(button);
    history.replaceState(null, '', `#${panelOf(button).id}`);
  }

  list.addEventListener('click', (event) => {
    const button = event.target.closest('[role=tab]');
    if (button) choose(button);
  });
  list.addEventListener('keydown', (event) => {
    const last = buttons.length - 1;
    const at = buttons.indexOf(document.activeElement);
    let to = at + (STEPS[event.key] ?? 0);
    if (event.key === 'Home') to = 0;
    if (event.key === 'End') to = last;
    if (to === at) return;
    event.preventDefault();
    const button = buttons[(to + buttons.length) % buttons.length];
    button.focus();
    choose(button);
  });

  const linked = buttons.find((button) => `#${panelOf(button).id}` === location.hash);
  show(linked ?? buttons[0]);
}
