// Files from the user: dropped, chosen or pasted.

/**
 * Hand on files that are dropped anywhere on the page, chosen, or (where `paste`) pasted, while
 * `active()` says that they are meant for this tab.
 */
export function watchFiles({ zone, input, button, paste = false, active, onFiles }) {
  let depth = 0; // dragenter and dragleave come for every element that is crossed

  function lit(on) {
    depth = on ? depth : 0;
    zone.classList.toggle('lit', on);
  }

  function take(files) {
    if (files.length) onFiles([...files]);
  }

  button.addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    take(input.files);
    input.value = ''; // so that the same file can be chosen again
  });

  document.addEventListener('dragenter', (event) => {
    if (!active() || !holdsFiles(event.dataTransfer)) return;
    depth += 1;
    lit(true);
  });
  document.addEventListener('dragleave', () => {
    depth = Math.max(0, depth - 1);
    if (!depth) lit(false);
  });
  // A drop beside the zone must not make the browser open the file in the page's place.
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    lit(false);
    if (active()) take(event.dataTransfer.files);
  });
  if (paste) {
    document.addEventListener('paste', (event) => {
      if (active() && event.clipboardData.files.length) {
        event.preventDefault();
        take(event.clipboardData.files);
      }
    });
  }
}

function holdsFiles(transfer) {
  return transfer?.types.includes('Files') ?? false;
}
