"""Writes products.json: products of matrices by PyTorch 2.13, values and errors. Run: python products.py (needs torch)."""
import json, os
import torch

g = torch.Generator().manual_seed(0)
DT = {"f": torch.float32, "d": torch.float64, "i": torch.int32, "l": torch.int64, "b": torch.bool}


def T(*shape, dtype="d"):
    if dtype in "il": return torch.randint(-9, 10, shape, generator=g, dtype=DT[dtype])
    if dtype == "b": return torch.ones(shape, dtype=torch.bool)
    return (torch.randint(-64, 65, shape, generator=g) / 16).to(DT[dtype])


def encode(a):
    if isinstance(a, torch.Tensor):
        return {"shape": list(a.shape), "dtype": str(a.dtype).removeprefix("torch."), "data": a.flatten().tolist()}
    if isinstance(a, (list, tuple)) and any(isinstance(b, torch.Tensor) for b in a):
        return {"list": [encode(b) for b in a]}
    return a


values, errors = [], []


def case(name, f, *args, **options):
    entry = {"name": name, "args": [encode(a) for a in args], "options": options}
    try:
        values.append({**entry, "want": encode(f(*args, **options))})
    except (RuntimeError, ValueError, TypeError, NotImplementedError, IndexError) as e:
        text = str(e).split("\n")[0]
        for a, b in {"Float": "float32", "Double": "float64", "Bool": "bool", "float !=": "float32 !=", "!= double": "!= float64"}.items():
            text = text.replace(a, b)
        errors.append({**entry, "error": text})


t, F, L = torch, torch.nn.functional, torch.linalg
for a, b in [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((2, 1, 2, 3), (4, 3, 2)), ((1, 2, 3), (4, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 4)), ((0,), (0,)), ((0, 2, 3), (3, 2)),
             ((2, 3), (4, 5)), ((5, 2, 3), (4, 5)), ((), (3,)), ((3,), (4,)), ((2, 3), (4,)), ((3,), (4, 5)), ((2, 3, 4), (3, 4, 6)), ((2, 3, 4), (5,))]:
    case("matmul", t.matmul, T(*a), T(*b))
for d in "fil": case("matmul", t.matmul, T(3, 4, dtype=d), T(4, 2, dtype=d))
case("mm", t.mm, T(2, 3), T(3, 4)); case("mm", t.mm, T(2, 3), T(4, 5)); case("mm", t.mm, T(2), T(2, 3)); case("mm", t.mm, T(2, 3, dtype="f"), T(3, 4))
case("bmm", t.bmm, T(2, 3, 4), T(2, 4, 5)); case("bmm", t.bmm, T(2, 3, 4), T(2, 5, 6)); case("bmm", t.bmm, T(2, 3), T(2, 5, 6)); case("bmm", t.bmm, T(2, 3, 4), T(3, 4, 6))
case("mv", t.mv, T(2, 3), T(3)); case("mv", t.mv, T(2, 3), T(4))
case("dot", t.dot, T(4), T(4)); case("dot", t.dot, T(3), T(4)); case("dot", t.dot, T(3, 1), T(4)); case("dot", t.dot, T(3, dtype="f"), T(3)); case("dot", t.dot, T(0), T(0)); case("dot", t.dot, T(5, dtype="i"), T(5, dtype="i"))
case("vdot", t.vdot, T(4), T(4)); case("vdot", t.vdot, T(2), T(3))
case("inner", t.inner, T(3), T(3)); case("inner", t.inner, T(2, 3), T(4, 3)); case("inner", t.inner, T(2, 2, 3), T(4, 3)); case("inner", t.inner, T(), T(3)); case("inner", t.inner, T(2, 3), T(4, 5))
case("outer", t.outer, T(3), T(2)); case("outer", t.outer, T(2, dtype="f"), T(3)); case("outer", t.outer, T(2, 3), T(3)); case("ger", t.ger, T(2), T(3))
case("addmm", t.addmm, T(2, 4), T(2, 3), T(3, 4)); case("addmm", t.addmm, T(4), T(2, 3), T(3, 4), beta=0.5, alpha=-2)
case("addmm", t.addmm, T(2, 2), T(2, 3), T(4, 5)); case("addmm", t.addmm, T(3, 3), T(2, 3), T(3, 5)); case("addmm", t.addmm, T(2, 5), T(2, 3, dtype="f"), T(3, 5, dtype="f"))
case("addmv", t.addmv, T(2), T(2, 3), T(3), alpha=2); case("addmv", t.addmv, T(2), T(2, 3), T(4))
case("addbmm", t.addbmm, T(3, 4), T(2, 3, 5), T(2, 5, 4), beta=2); case("addbmm", t.addbmm, T(3, 4), T(2, 3, 5), T(2, 6, 4))
case("baddbmm", t.baddbmm, T(3, 4), T(2, 3, 5), T(2, 5, 4), alpha=0.5); case("baddbmm", t.baddbmm, T(2, 3, 4), T(2, 3, 5), T(2, 6, 4))
case("addr", t.addr, T(2, 3), T(2), T(3), beta=0.5); case("addr", t.addr, T(2, 3), T(2), T(4))
case("linear", F.linear, T(2, 3), T(4, 3), T(4)); case("linear", F.linear, T(2, 5, 3), T(4, 3)); case("linear", F.linear, T(3), T(4, 3), T(4)); case("linear", F.linear, T(2, 3), T(3)); case("linear", F.linear, T(2, 3), T(4, 5)); case("linear", F.linear, T(2, 3), T(4, 3), T(5))
case("bilinear", F.bilinear, T(2, 3), T(2, 4), T(5, 3, 4), T(5)); case("bilinear", F.bilinear, T(3), T(4), T(5, 3, 4)); case("bilinear", F.bilinear, T(2, 3), T(2, 4), T(5, 3, 5), T(5))
case("tensordot", t.tensordot, T(2, 3, 4), T(3, 4, 5)); case("tensordot", t.tensordot, T(2, 3), T(3, 4), dims=1); case("tensordot", t.tensordot, T(2, 3), T(4), dims=0); case("tensordot", t.tensordot, T(2, 3, 4), T(4, 5, 2), dims=[[0, 2], [2, 0]]); case("tensordot", t.tensordot, T(2, 3), T(4, 5), dims=1); case("tensordot", t.tensordot, T(2, 3), T(3, 2), dims=[[0, 1], [1]]); case("tensordot", t.tensordot, T(2, 3), T(3, 2), dims=3); case("tensordot", t.tensordot, T(2, 3), T(3, 2), dims=-1)
case("kron", t.kron, T(2, 3), T(2, 2)); case("kron", t.kron, T(3), T(2, 2)); case("kron", t.kron, T(2, 1, 2), T(3)); case("kron", t.kron, T(2, dtype="i"), T(2))
case("chainMatmul", t.chain_matmul, T(2, 3), T(3, 4), T(4, 5))
case("linalg.multiDot", L.multi_dot, [T(2, 3), T(3, 4), T(4, 5), T(5, 1)]); case("linalg.multiDot", L.multi_dot, [T(3), T(3, 4), T(4)]); case("linalg.multiDot", L.multi_dot, [T(2, 3), T(3)])
case("linalg.multiDot", L.multi_dot, [T(2)]); case("linalg.multiDot", L.multi_dot, [T(2, 3), T(4, 5)]); case("linalg.multiDot", L.multi_dot, [T(2, 3), T(3, 4, 5)]); case("linalg.multiDot", L.multi_dot, [T(2, 3), T(3), T(3, 5)])
case("linalg.vecdot", L.vecdot, T(2, 3), T(2, 3)); case("linalg.vecdot", L.vecdot, T(2, 3), T(2, 1), dim=0); case("linalg.vecdot", L.vecdot, T(2, 1, 3), T(4, 3)); case("linalg.vecdot", L.vecdot, T(2, 3), T(4, 5))
case("linalg.cross", L.cross, T(2, 3), T(2, 3)); case("linalg.cross", L.cross, T(3, 2), T(3, 1), dim=0); case("linalg.cross", L.cross, T(2, 3), T(2, 4)); case("cross", lambda a, b: L.cross(a, b, dim=0), T(3, 2), T(3, 2))
E_ = lambda eq, *xs: t.einsum(eq, *xs)
for eq, *shapes in [("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("bA", (2, 3)), ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (2, 2, 3)), ("ijij->ji", (2, 3, 2, 3)), ("...ij,...jk", (5, 2, 3), (3, 4)), ("...ij,...jk->...ki", (2, 1, 2, 3), (4, 3, 2)), ("i...->...", (2, 3)), ("...", (2, 3)), ("ij->...", (2, 3)), ("ij,->ij", (2, 3), ()), ("i,j->ji", (2,), (3,)), ("i,i->", (4,), (4,)), ("bi,bi->b", (2, 3), (2, 3)), ("bhid,bhjd->bhij", (2, 2, 3, 4), (2, 2, 5, 4)), ("i,ij,jk,k->", (2,), (2, 3), (3, 4), (4,)), ("ij,kj,lj->ikl", (2, 3), (4, 3), (2, 3)), ("ij,jk", (2, 1), (3, 4)), (" i j , j k -> k i ", (2, 3), (3, 4)), ("i->i...", (2,)), ("->", ()), ("ij,j->i", (0, 3), (3,)), ("ij,j->i", (2, 0), (0,)), ("bn,anm,bm->ba", (2, 3), (4, 3, 5), (2, 5)), ("...i,...i->...", (2, 3), (3,)), ("ijk,ilm,njm,nlk,abc->", (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 1, 2)),
                    ("ij,jk", (2, 3), (4, 5)), ("ij,jk->ik", (2, 3)), ("ij->ik", (2, 3)), ("ij->ii", (2, 3)), ("i", (2, 3)), ("ijk", (2, 3)), ("i1->i", (2, 3)), ("ij,jk->ik,", (2, 3), (3, 4)), ("ij->i->j", (2, 3)), ("...i...->i", (2, 3)), ("ij->i..j", (2, 3)), ("ii", (2, 3)), ("...ij,...jk", (5, 2, 3), (4, 3, 4)), ("i,j", (2,)), ("i", (2,), (3,)), ("i.j", (2, 3)), ("ij->j.", (2, 3))]:
    case("einsum", E_, eq, *[T(*s) for s in shapes])
case("einsum", lambda a, la, b, lb, lo: t.einsum(a, la, b, lb, lo), T(2, 3), [0, 1], T(3, 4), [1, 2], [2, 0]); case("einsum", lambda a, la, b, lb: t.einsum(a, la, b, lb), T(2, 3), [30, 1], T(3, 4), [1, 2]); case("einsum", lambda a, la: t.einsum(a, la), T(2, 3), [0, 60])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "products.json"), "w") as f:
    f.write('{"values": [\n' + ",\n".join(map(json.dumps, values)) + '\n],\n"errors": [\n' + ",\n".join(map(json.dumps, errors)) + "\n]}\n")
print(len(values), "values,", len(errors), "errors")
