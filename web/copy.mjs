// Copies the page and the runtime files of its two packages into dist, which any static host can serve.
//
//     node copy.mjs [--tests]
//
// tools/web_assets.py writes dist/assets. With --tests the comparison page is copied too.

import { cp, mkdir, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = new URL("./", import.meta.url);
const dist = new URL("dist/", here);

const RUNTIME = {
  onnxruntime: {
    from: "node_modules/onnxruntime-web/dist/",
    files: ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"],
  },
  face_mesh: {
    from: "node_modules/@mediapipe/face_mesh/",
    files: [
      "face_mesh.js",
      "face_mesh.binarypb",
      "face_mesh_solution_packed_assets.data",
      "face_mesh_solution_packed_assets_loader.js",
      "face_mesh_solution_simd_wasm_bin.data",
      "face_mesh_solution_simd_wasm_bin.js",
      "face_mesh_solution_simd_wasm_bin.wasm",
      "face_mesh_solution_wasm_bin.js",
      "face_mesh_solution_wasm_bin.wasm",
    ],
  },
};

async function copyPage() {
  const served = (await readdir(here)).filter((name) => /\.(html|css|js|svg)$/.test(name));
  await mkdir(dist, { recursive: true });
  for (const name of served) await cp(new URL(name, here), new URL(name, dist));
  return served.length;
}

async function copyRuntime() {
  for (const [folder, { from, files }] of Object.entries(RUNTIME)) {
    const target = new URL(`vendor/${folder}/`, dist);
    await mkdir(target, { recursive: true });
    for (const file of files) await cp(new URL(file, new URL(from, here)), new URL(file, target));
  }
}

const pages = await copyPage();
await copyRuntime();
if (process.argv.includes("--tests")) await cp(new URL("test/", here), new URL("test/", dist), { recursive: true });
console.log(`${pages} files of the page and its packages' runtimes are in ${fileURLToPath(dist)}`);
