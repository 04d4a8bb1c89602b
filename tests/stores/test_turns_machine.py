"""Turns under fire: agents that crash, sleep and come back; replies that are lost, writes that land
after their writers gave up. Whatever hypothesis makes of it, one turn wins and no task is lost.
"""

from dataclasses import dataclass, field
from itertools import count, pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.model.turn import Deed, Standing, Turn, may_follow, standing
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.turns import TurnLog
from cryoem_cloud.testing.faults import Fault, FaultyStore

PREFIX = "p/jobs/00000001/turns/main/"
FAULTS: st.SearchStrategy[list[Fault]] = st.just([]) | st.lists(st.sampled_from(Fault), max_size=4)
ENDS = st.sampled_from((Deed.DONE, Deed.FAILED, Deed.RELEASED))
NAMES = st.integers(0, 99)


@dataclass
class Agent:
    """A machine's part in the log, as far as the machine knows."""

    name: str
    log: TurnLog
    suspect: Turn | None = None
    """The claim whose holder this machine believes dead, rightly or not."""
    claim: Turn | None = None
    closing: Deed | None = None
    tried: bool = False


@dataclass
class Effects:
    """What agents were told that the log has of theirs."""

    claims: list[Turn] = field(default_factory=list)
    closed: list[tuple[Turn, Deed]] = field(default_factory=list)
    void: list[Turn] = field(default_factory=list)


class Turns(RuleBasedStateMachine):
    """Any number of agents at one task. An agent that no rule chooses for a while is a zombie."""

    @initialize()
    def empty_log(self) -> None:
        self.store = MemoryStore()
        self.plan: list[Fault] = []
        self.faulty = FaultyStore(self.store, self.next_fault)
        self.effects = Effects()
        self.suspected: set[str] = set()
        self.names = count(1)
        self.nonces = count(1)
        self.agents = [Agent(f"m{next(self.names)}", self.log()) for _ in range(3)]

    def next_fault(self, call: str, key: str) -> Fault:
        return self.plan.pop(0) if self.plan else Fault.NONE

    def truth(self) -> tuple[Turn, ...]:
        """The log as it lies in the store."""
        return tuple(Turn.from_bytes(self.store.get(item.key)) for item in self.store.list(PREFIX))

    def log(self) -> TurnLog:
        return TurnLog(self.faulty, PREFIX, nonce=lambda: f"nonce {next(self.nonces)}")

    def some(self, which: int) -> Agent:
        return self.agents[which % len(self.agents)]

    @precondition(lambda self: len(self.agents) < 5)
    @rule()
    def machine_starts(self) -> None:
        self.agents.append(Agent(f"m{next(self.names)}", self.log()))

    @precondition(lambda self: self.agents)
    @rule(which=NAMES)
    def machine_is_lost(self, which: int) -> None:
        self.agents.remove(self.some(which))

    @precondition(lambda self: self.agents)
    @rule(which=NAMES)
    def machine_suspects_the_holder(self, which: int) -> None:
        agent = self.some(which)
        turns = agent.log.read()
        agent.suspect = turns[-1] if standing(turns) is Standing.HELD else None
        if agent.suspect:
            self.suspected.add(agent.suspect.nonce)

    @precondition(lambda self: self.agents)
    @rule(which=NAMES, faults=FAULTS)
    def machine_takes(self, which: int, faults: list[Fault]) -> None:
        agent = self.some(which)
        if agent.claim is not None:
            return
        self.plan = faults
        tried, agent.tried = agent.tried, True
        try:
            claim = (
                agent.log.claim(agent.name, over=agent.suspect)
                if tried
                else agent.log.begin(agent.name)
            )
        except StoreUnreachableError:
            return
        finally:
            self.plan = []
        if claim is not None:
            agent.claim = claim
            self.effects.claims.append(claim)

    @precondition(lambda self: any(agent.claim for agent in self.agents))
    @rule(which=NAMES, faults=FAULTS, deed=ENDS)
    def machine_ends_its_turn(self, which: int, faults: list[Fault], deed: Deed) -> None:
        holders = [agent for agent in self.agents if agent.claim]
        agent = holders[which % len(holders)]
        claim = agent.claim
        assert claim is not None
        agent.closing = agent.closing or deed  # a machine that tries again has not changed its mind
        self.plan = faults
        try:
            ours = agent.log.close(claim, agent.closing, {"by": agent.name})
        except StoreUnreachableError:
            return
        finally:
            self.plan = []
        if ours:
            self.effects.closed.append((claim, agent.closing))
        else:
            self.effects.void.append(claim)
        agent.claim = agent.closing = None

    @precondition(lambda self: self.faulty.late)
    @rule(which=NAMES)
    def late_write_lands(self, which: int) -> None:
        self.faulty.land(which % self.faulty.late)

    @invariant()
    def the_log_is_lawful(self) -> None:
        turns = self.truth()
        for number, turn in enumerate(turns):
            assert may_follow(turns[:number], turn)

    @invariant()
    def only_suspects_are_taken_over(self) -> None:
        turns = self.truth()
        for before, turn in pairwise(turns):
            if (before.deed, turn.deed) == (Deed.CLAIM, Deed.CLAIM):
                assert before.nonce in self.suspected

    @invariant()
    def nobody_was_told_what_is_not_so(self) -> None:
        turns = {turn.number: turn for turn in self.truth()}
        for claim in self.effects.claims:
            assert turns[claim.number] == claim
        for claim, deed in self.effects.closed:
            end = turns[claim.number + 1]
            assert (end.deed, end.holder) == (deed, claim.holder)
        for claim in self.effects.void:
            assert turns[claim.number + 1].holder != claim.holder

    @invariant()
    def a_claim_is_closed_once(self) -> None:
        closed = [claim.number for claim, _ in self.effects.closed]
        assert len(set(closed)) == len(closed)
        ends = [deed for _, deed in self.effects.closed if deed is not Deed.RELEASED]
        assert len(ends) <= 1

    def teardown(self) -> None:
        """A fresh machine finishes the task, unless it has ended; zombies change nothing then."""
        if not hasattr(self, "store"):
            return
        self.plan = []
        fresh = self.log()
        turns = fresh.read()
        if standing(turns) in {Standing.FREE, Standing.HELD}:
            over = turns[-1] if standing(turns) is Standing.HELD else None
            claim = fresh.claim("fresh", over=over)
            assert claim is not None
            assert fresh.close(claim, Deed.DONE)
        end = self.truth()
        while self.faulty.late:
            self.faulty.land()
        for agent in self.agents:
            if agent.claim is not None:
                deed = agent.closing or Deed.DONE
                followed = end[agent.claim.number].nonce  # by the turn after the claim
                ours = followed == f"{agent.claim.nonce}/{deed.value}"
                assert agent.log.close(agent.claim, deed) == ours
            else:
                assert agent.log.claim(agent.name, over=end[-1]) is None
        assert self.truth() == end


TestTurns = Turns.TestCase
TestTurns.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
