PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE store_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO store_version VALUES(1);
CREATE TABLE profiles (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	dataset VARCHAR(200) NOT NULL, 
	user_id VARCHAR(200), 
	created FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO profiles VALUES('c946284bed954f1f84a0a24499f497a0','me','films',NULL,1795852658.7661223411);
CREATE TABLE conversations (
	id VARCHAR(32) NOT NULL, 
	profile_id VARCHAR(32) NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	dataset VARCHAR(200) NOT NULL, 
	backend VARCHAR(200) NOT NULL, 
	generator VARCHAR(200) NOT NULL, 
	ranker VARCHAR(200), 
	created FLOAT NOT NULL, 
	updated FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(profile_id) REFERENCES profiles (id) ON DELETE CASCADE
);
INSERT INTO conversations VALUES('f9438f51658a445b813622140b15b921','c946284bed954f1f84a0a24499f497a0','something scary','films','b','g',NULL,1795852658.7683258056,1795852658.779680252);
CREATE TABLE feedback (
	profile_id VARCHAR(32) NOT NULL, 
	dataset VARCHAR(200) NOT NULL, 
	item_id VARCHAR(200) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (profile_id, dataset, item_id), 
	CONSTRAINT kind CHECK (kind IN ('like', 'dislike', 'seen')), 
	FOREIGN KEY(profile_id) REFERENCES profiles (id) ON DELETE CASCADE
);
INSERT INTO feedback VALUES('c946284bed954f1f84a0a24499f497a0','films','a1','like',1795852658.7843465805);
CREATE TABLE messages (
	id VARCHAR(32) NOT NULL, 
	conversation_id VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	text TEXT NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	current BOOLEAN NOT NULL, 
	item_ids JSON NOT NULL, 
	events JSON NOT NULL, 
	owner VARCHAR(300) NOT NULL, 
	created FLOAT NOT NULL, 
	touched FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (conversation_id, position), 
	CONSTRAINT role CHECK (role IN ('user', 'assistant')), 
	CONSTRAINT status CHECK (status IN ('done', 'streaming', 'stopped', 'failed')), 
	FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE
);
INSERT INTO messages VALUES('045e5545e21b4bd4bb5ed9d67f89fc3a','f9438f51658a445b813622140b15b921',0,'user','something scary','done',1,'[]','[]','',1795852658.7740199565,1795852658.7740199565);
INSERT INTO messages VALUES('7a24897bfa6b464282935e5078259b6c','f9438f51658a445b813622140b15b921',1,'assistant','Here.','done',1,'["a1"]','[{"seconds": 0.0, "kind": "token", "text": "Here."}, {"seconds": 0.0, "kind": "done", "status": "done", "reply": "Here.", "item_ids": ["a1"], "seconds_in_model": 0.0, "first_visible_seconds": null, "violations": 0}]','elsewhere|28715|412637',1795852658.779680252,1795852658.7819187641);
CREATE INDEX ix_profiles_dataset ON profiles (dataset);
CREATE INDEX ix_conversations_updated ON conversations (updated);
CREATE INDEX ix_conversations_profile_id ON conversations (profile_id);
CREATE INDEX ix_conversations_dataset ON conversations (dataset);
CREATE INDEX messages_by_status ON messages (status);
COMMIT;
